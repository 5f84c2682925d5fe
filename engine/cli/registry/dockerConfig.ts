import { mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { credentialKey, registryDomain } from '../../api/docker/registryHost.ts';
import { readDockerConfig } from '../../api/docker/registryLogins.ts';
import type { AuthEntry, DockerConfigFile } from '../../api/docker/registryLogins.ts';
import { writeFileAtomic } from '../../base/atomicFile.ts';

/* Writes `~/.docker/config.json`, which Docker's and Podman's tools share: what is not about credentials stays as it is. */

export async function storeEntry(path: string, domain: string, entry: AuthEntry): Promise<void> {
  const config = await readDockerConfig(path);
  await write(path, { ...config, auths: { ...config.auths, [credentialKey(domain)]: entry } });
}

/** False when there was none. */
export async function eraseEntry(path: string, domain: string): Promise<boolean> {
  const config = await readDockerConfig(path);
  const left = Object.entries(config.auths ?? {}).filter(([key]) => registryDomain(key) !== domain);
  if (left.length === Object.keys(config.auths ?? {}).length) return false;
  await write(path, { ...config, auths: Object.fromEntries(left) });
  return true;
}

async function write(path: string, config: DockerConfigFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // A link to a file that is kept elsewhere stays one.
  const real = await realpath(path).catch(() => path);
  await writeFileAtomic(real, `${JSON.stringify(config, null, '\t')}\n`, 0o600);
}
