import { once } from 'node:events';
import { defineError } from '../../base/errors.ts';
import type { BerthError } from '../../base/errors.ts';
import type { OperationContext } from '../../base/context.ts';
import type { HostConnection } from '../connection.ts';
import type { Cargo } from './archive.ts';
import { mebibytes, remoteDiskFull, remoteFolderNotWritable } from './hostChecks.ts';
import { receiveScript } from './receiveScript.ts';
import { RunningCommand } from './remoteCommand.ts';
import type { RemoteResult } from './remoteCommand.ts';
import { shellCommand } from './shellCommand.ts';

export const remoteUploadInterrupted = defineError<{ host: string; received: number; size: number }>('REMOTE_UPLOAD_INTERRUPTED', 502, (p) => `The connection to ${p.host} was lost while the engine was carried there (${mebibytes(p.received)} of ${mebibytes(p.size)}). Connect again: it goes on where it stopped.`);
export const remoteUploadCorrupt = defineError<{ host: string }>('REMOTE_UPLOAD_CORRUPT', 502, (p) => `What arrived on ${p.host} is not what was sent: its digest is wrong, and it was removed. Connect again. If that does not help, the archive here is damaged: install Berth anew.`);
export const remotePathTooLong = defineError<{ host: string; detail: string }>('REMOTE_PATH_TOO_LONG', 422, (p) => `The engine cannot be installed on ${p.host}: ${p.detail}. Choose a shorter folder for Berth: --dir, or BERTH_REMOTE_DIR.`);
export const remoteInstallFailed = defineError<{ host: string; step: string; detail: string }>('REMOTE_INSTALL_FAILED', 502, (p) => `The engine could not be installed on ${p.host}: ${p.step} failed: ${p.detail}. What was there before still is.`);

export interface Upload {
  readonly cargo: Cargo;
  /** For people: `engine`. */
  readonly name: string;
  readonly dir: string;
  /** Absolute path of an unpacker on the host; '' where the host has what is needed. */
  readonly helper: string;
  readonly kind: 'archive' | 'program';
  readonly loader: string;
  /** Where the engine shall keep its data; '' for the usual place. */
  readonly dataRoot: string;
}

/** Carries a file to the host and has it checked and put in place there. What an interrupted upload left is gone on with. */
export async function upload(connection: HostConnection, work: Upload, ctx: OperationContext): Promise<void> {
  const { cargo } = work;
  const args = [work.dir, cargo.digest, String(cargo.size), work.helper, work.kind, work.loader, work.dataRoot];
  const command = await RunningCommand.start(connection, shellCommand(receiveScript, args), ctx.signal, `carrying the ${work.name} there`);
  const offset = (await command.line(/^(?:offset (\d+)|done|fail \w+)$/m))?.[1];
  let sent = Number(offset ?? 0);
  if (offset !== undefined) {
    for await (const chunk of cargo.open(sent) as AsyncIterable<Buffer>) {
      if (ctx.signal.aborted || !(await write(command, chunk))) break;
      sent += chunk.length;
      ctx.report({ id: work.name, status: 'Uploading', current: sent, total: cargo.size });
    }
    ctx.report({ id: work.name, status: 'Unpacking' });
  }
  command.process.stdin.end();
  const result = await command.result();
  if (/^done$/m.test(result.stdout)) return;
  throw failure(connection.description, work, result, sent);
}

/** False when the command reads no more. */
async function write({ process }: RunningCommand, chunk: Buffer): Promise<boolean> {
  const { stdin } = process;
  if (stdin.destroyed || stdin.writableEnded) return false;
  if (stdin.write(chunk)) return true;
  const stop = new AbortController();
  try {
    await Promise.race([once(stdin, 'drain', { signal: stop.signal }), once(stdin, 'close', { signal: stop.signal }), process.exit]);
  } catch {
    return false;
  } finally {
    stop.abort();
  }
  return !stdin.destroyed;
}

function failure(host: string, { cargo, dir }: Upload, { stdout, stderr }: RemoteResult, received: number): BerthError {
  const why = /^fail (\w+)$/m.exec(stdout)?.[1];
  const lines = stderr.trim().split('\n');
  // A Node that fails says its own version last.
  const detail = (lines.findLast((line) => /^\w*Error\b.*: /.test(line)) ?? lines.at(-1))?.slice(-300) ?? '';
  if (/No space left|Disk quota|ENOSPC|EDQUOT/i.test(stderr)) return remoteDiskFull({ host, folder: dir, free: 'too little', needed: mebibytes(cargo.size) });
  if (why === undefined || why === 'short') return remoteUploadInterrupted({ host, received, size: cargo.size });
  if (why === 'corrupt') return remoteUploadCorrupt({ host });
  if (why === 'write') return remoteFolderNotWritable({ host, folder: dir });
  if (why === 'long') return remotePathTooLong({ host, detail });
  return remoteInstallFailed({ host, step: steps[why] ?? why, detail: detail || 'it did not say why' });
}

const steps: Readonly<Record<string, string>> = {
  busy: 'finding a place for the upload (ten others are under way)',
  space: 'writing',
  unpack: 'unpacking',
  finish: 'starting the Node that came with it',
};
