import { containerCapabilities } from '../host/capabilities.ts';
import type { ProcessIdentity } from '../host/processIdentity.ts';
import type { Container } from './container.ts';
import { isPaused, notRunning } from './errors.ts';
import { readInside } from './rootfs.ts';
import { readUser } from './rootfsSetup.ts';

/** A user of a running container, by its own files. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

const NO_LOGIN = /\/(nologin|false)$/;
const DEFAULT_SHELL = '/bin/sh';

/** Throws NO_SUCH_USER. */
export async function readAccount({ paths }: Container, spec: string): Promise<Account> {
  const { uid, gid, additionalGids, home } = await readUser(paths.rootfs, spec, []);
  const shell = shellIn((await readInside(paths.rootfs, '/etc/passwd')) ?? '', uid);
  return { uid, gid, groups: additionalGids ?? [], home, shell: NO_LOGIN.test(shell) ? DEFAULT_SHELL : shell || DEFAULT_SHELL };
}

/** What processes that join a running container need to know of it. Throws CONTAINER_NOT_RUNNING, CONTAINER_PAUSED. */
export function runningFacts(container: Container): { process: ProcessIdentity; user: string; cwd: string; ownIds: boolean; capabilities: string[] } {
  const { id, state, record } = container;
  if (state.status === 'paused') throw isPaused({ id });
  if (!container.running || !state.process) throw notRunning({ id });
  const { config, hostConfig: host } = record;
  return {
    process: state.process,
    user: config.User || 'root',
    cwd: config.WorkingDir || '/',
    ownIds: record.keepId !== undefined,
    capabilities: containerCapabilities({ privileged: host.Privileged ?? false, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] }),
  };
}

function shellIn(passwd: string, uid: number): string {
  const row = passwd.split('\n').map((line) => line.split(':')).find((fields) => fields.length >= 7 && fields[2] === String(uid));
  return row?.[6]?.trim() ?? '';
}
