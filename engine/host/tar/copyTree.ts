import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { hostCommandFailed } from '../../base/errors.ts';
import { exitOf, start } from '../process.ts';
import { SELINUX_LABEL } from './layerRules.ts';

/** Owners by number, capabilities (their root is translated by the kernel), attributes, ACLs, holes and hard links; every kind of file but sockets, overlay's whiteouts too. */
const COMMON = ['--numeric-owner', '--xattrs', '--xattrs-include=user.*', '--xattrs-include=security.capability', '--acls', '--sparse', '-C', '/proc/self/fd/3'];
/** tar's option for archives that leave this host: how SELinux labels files is each host's own matter. */
export const WITHOUT_LABELS = `--xattrs-exclude=${SELINUX_LABEL}`;
const PACK = ['--format=posix', '--pax-option=delete=atime,delete=ctime', '--warning=no-file-ignored', '-c', '.'];
const UNPACK = ['--same-owner', '--same-permissions', '--delay-directory-restore', '-x', '-f', '-'];
const CHANGED = 1; // tar: a file changed while it was read

/** Words before a command that make it run as root of a user namespace, by its path; none: as this process. */
export function asRootOf(userNamespace: string | undefined): string[] {
  return userNamespace === undefined ? [] : ['nsenter', `--user=${userNamespace}`, '--setuid=0', '--setgid=0', '--'];
}

/**
 * Copies what is in a folder, and the folder's own owner and rights, into another one that is there: owners are read as one user namespace has them and
 * written as the other has them.
 */
export async function copyTree(from: string, to: string, namespaces: { readonly reads?: string; readonly writes?: string }): Promise<void> {
  await using source = await open(from, constants.O_RDONLY | constants.O_DIRECTORY);
  await using target = await open(to, constants.O_RDONLY | constants.O_DIRECTORY);
  const [packer, ...pack] = [...asRootOf(namespaces.reads), 'tar', ...COMMON, ...PACK];
  const [unpacker, ...unpack] = [...asRootOf(namespaces.writes), 'tar', ...COMMON, ...UNPACK];
  const reading = start(packer ?? 'tar', pack, { stdio: ['ignore', 'pipe', 'pipe', source.fd], cwd: '/' });
  const writing = start(unpacker ?? 'tar', unpack, { stdio: ['pipe', 'ignore', 'pipe', target.fd], cwd: '/' });
  const words = { read: '', written: '' };
  reading.stderr?.on('data', (chunk: Buffer) => (words.read = (words.read + chunk.toString()).slice(-1000)));
  writing.stderr?.on('data', (chunk: Buffer) => (words.written = (words.written + chunk.toString()).slice(-1000)));
  const ends = Promise.all([exitOf('tar', reading), exitOf('tar', writing)]);
  ends.catch(() => undefined);
  // tar's own words say more than a broken pipe.
  if (reading.stdout && writing.stdin) await pipeline(reading.stdout, writing.stdin).catch(() => undefined);
  const [read, written] = await ends;
  if (written !== 0) throw hostCommandFailed({ command: `tar into ${to}`, status: written, stderr: words.written });
  if (read > CHANGED) throw hostCommandFailed({ command: `tar of ${from}`, status: read, stderr: words.read });
}
