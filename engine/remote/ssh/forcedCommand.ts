import { randomBytes } from 'node:crypto';
import type { HostConnection } from '../connection.ts';
import { forcedCommand } from './sshErrors.ts';

const KEEP = 200;

/** Throws SSH_FORCED_COMMAND where the host runs something else than it is asked to. For the first connect to a host: it costs two round trips. */
export async function assertRunsCommands(connection: HostConnection): Promise<void> {
  const word = `berth-${randomBytes(8).toString('hex')}`;
  const child = await connection.exec(`printf '%s\\n' ${word}`);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out = `${out}${chunk.toString()}`.slice(-KEEP * 4)));
  child.stderr.on('data', (chunk: Buffer) => (err = `${err}${chunk.toString()}`.slice(-KEEP * 4)));
  child.stdin.on('error', () => undefined);
  child.stdin.end();
  await child.exit;
  // A profile may print before it: the word is what counts.
  if (!out.includes(word)) throw forcedCommand({ host: connection.description, said: (out || err).trim().slice(0, KEEP) || 'nothing' });
}
