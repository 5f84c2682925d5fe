import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { credentialKey, registryDomain } from '../../api/docker/registryHost.ts';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { badRequest, systemCode } from '../../base/errors.ts';

const entrySchema = z.looseObject({ username: z.string().optional(), password: z.string().optional(), auth: z.string().optional(), identitytoken: z.string().optional(), registrytoken: z.string().optional() });
const configSchema = z.looseObject({
  auths: z.record(z.string(), entrySchema).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

type Config = z.infer<typeof configSchema>;
export type AuthEntry = z.infer<typeof entrySchema>;

/** `~/.docker/config.json`, which Docker's and Podman's tools share: what is not about credentials stays as it is. */
export class DockerConfig {
  readonly path: string;

  constructor(env: NodeJS.ProcessEnv) {
    this.path = join(env['DOCKER_CONFIG'] || join(env['HOME'] ?? '/', '.docker'), 'config.json');
  }

  /** Throws BAD_REQUEST without showing what is in the file. */
  async read(): Promise<Config> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return {};
      throw error;
    }
    try {
      return configSchema.parse(text.trim() === '' ? {} : JSON.parse(text));
    } catch {
      throw badRequest({ what: this.path, detail: 'it is no configuration of Docker. Correct it, or move it away' });
    }
  }

  /** The program that keeps the credentials of this registry, if one does. */
  helperOf({ credHelpers, credsStore }: Config, domain: string): string | undefined {
    return credHelpers?.[domain] ?? credHelpers?.[credentialKey(domain)] ?? (credsStore || undefined);
  }

  /** The entry that is kept in the file itself; keys may be addresses. */
  entryOf({ auths = {} }: Config, domain: string): AuthEntry | undefined {
    return auths[credentialKey(domain)] ?? Object.entries(auths).find(([key]) => registryDomain(key) === domain)?.[1];
  }

  async store(domain: string, entry: AuthEntry): Promise<void> {
    const config = await this.read();
    await this.#write({ ...config, auths: { ...config.auths, [credentialKey(domain)]: entry } });
  }

  /** False when there was none. */
  async erase(domain: string): Promise<boolean> {
    const config = await this.read();
    const left = Object.entries(config.auths ?? {}).filter(([key]) => registryDomain(key) !== domain);
    if (left.length === Object.keys(config.auths ?? {}).length) return false;
    await this.#write({ ...config, auths: Object.fromEntries(left) });
    return true;
  }

  async #write(config: Config): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    // A link to a file that is kept elsewhere stays one.
    const path = await realpath(this.path).catch(() => this.path);
    await writeFileAtomic(path, `${JSON.stringify(config, null, '\t')}\n`, 0o600);
  }
}
