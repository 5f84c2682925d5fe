import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { HostView } from '../../engine/host/probeView.ts';

const hosts = resolve(import.meta.dirname, '../fixtures/hosts');

export interface Recorded extends Partial<HostView> {
  /** Programs that exist, with what they print for `--version` (or `-V`). */
  readonly programs?: Readonly<Record<string, string>>;
}

/** A host as a tree under test/fixtures/hosts; root with much space unless said otherwise. */
export function recordedHost(name: 'v1' | 'v2' | 'hybrid', { programs = {}, ...facts }: Recorded = {}): HostView {
  const root = join(hosts, name);
  return {
    uid: 0,
    user: 'root',
    architecture: 'x64',
    kernel: '6.1.0-18-amd64',
    read: (path) => readFile(join(root, path), 'utf8').catch(() => undefined),
    exists: (path) => path === '/proc/self/ns/user' || existsSync(join(root, path)),
    mayUse: (path) => existsSync(join(root, path)),
    which: (program) => (program in programs ? `/usr/bin/${program}` : undefined),
    run: (program) => Promise.resolve(program in programs ? { status: 0, stdout: programs[program] ?? '', stderr: '' } : { status: 127, stdout: '', stderr: 'not found' }),
    tryOverlay: () => Promise.resolve(undefined),
    trySocket: () => Promise.resolve('ENOENT'),
    storage: (path) => Promise.resolve({ folder: path, writable: true, free: 100 * 2 ** 30 }),
    ...facts,
  };
}

/** Every tool Berth wants, as a current distribution has them. */
export const allPrograms: Readonly<Record<string, string>> = {
  crun: 'crun version 1.14\ncommit: abc',
  runc: 'runc version 1.1.5+ds1\nspec: 1.0.2',
  conmon: 'conmon version 2.1.6',
  nft: 'nftables v1.0.6 (Lester Gooch #5)',
  ip: 'ip utility, iproute2-6.1.0, libbpf 1.1.2',
  tar: 'tar (GNU tar) 1.34',
  mmdebstrap: 'mmdebstrap 1.3.5',
};
