import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { shortRandom } from '../../engine/base/ids.ts';

const cache = resolve(import.meta.dirname, '../../.cache/base');

/**
 * A Debian bookworm root file system (minbase and CA certificates) as an uncompressed tar, made once by mmdebstrap from
 * Debian's packages and kept under .cache/base. Two processes that ask at once each make one; the last rename wins.
 */
export async function baseTar(): Promise<string> {
  return makeTar('debian-bookworm', []);
}

/** The same with what people expect in a dev container that they connect to: git, rsync, scp. */
export async function editorTar(): Promise<string> {
  return makeTar('debian-bookworm-editor', ['git', 'rsync', 'openssh-client']);
}

/** A whole system: systemd with its bus, and sshd. */
export async function systemdTar(): Promise<string> {
  return makeTar('debian-bookworm-systemd', ['systemd', 'systemd-sysv', 'dbus', 'openssh-server']);
}

/** What an engine needs, Berth's and Docker's. */
export async function enginesTar(): Promise<string> {
  return makeTar('debian-bookworm-engines', ['crun', 'conmon', 'nftables', 'iproute2', 'procps', 'docker.io', 'iptables']);
}

async function makeTar(name: string, packages: readonly string[]): Promise<string> {
  const path = join(cache, `${name}.tar`);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  const temp = join(cache, `.tmp-${shortRandom(6)}.tar`);
  await run('mmdebstrap', ['--variant=minbase', `--include=${['ca-certificates', ...packages].join(',')}`, '--quiet', 'bookworm', temp]);
  await rename(temp, path);
  return path;
}
