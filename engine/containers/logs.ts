import type { Writable } from 'node:stream';
import { readContainerLog } from '../host/containerLogReader.ts';
import type { Container } from './container.ts';
import { noLog } from './errors.ts';
import { ClientOutput } from './framing.ts';
import { logAttributes } from './logAttributes.ts';
import { logPolicy } from './logPolicy.ts';

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  readonly follow: boolean;
  /** Lines from the end; `undefined`: all. */
  readonly tail?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
  /** Before each line, what the options of the log name of its container. */
  readonly details?: boolean;
}

/** Throws NO_LOG for a container whose log nobody keeps: to be asked before an answer begins. */
export function requireLog({ id, record }: Container): void {
  if (logPolicy(record.hostConfig).kept === 'none') throw noLog({ id });
}

/** Writes what a container wrote to a client, raw for a terminal and framed otherwise; with `follow` until it ends or the client leaves. */
export async function writeLogs(container: Container, options: LogOptions, client: Writable, signal: AbortSignal): Promise<void> {
  requireLog(container);
  const follow = options.follow && container.running;
  const left = new AbortController();
  const leave = (): void => left.abort();
  client.once('close', leave);
  signal.addEventListener('abort', leave, { once: true });
  const ended = follow ? Promise.race([container.nextExit(), container.nextRemoval()]) : Promise.resolve();
  const output = new ClientOutput(client, container.tty);
  try {
    for await (const { stream, data } of readContainerLog(container.paths.log, { ...filterOf(container, options), follow, ended, signal: left.signal })) {
      if (!output.write(stream, data)) await output.drained();
      if (left.signal.aborted) return;
    }
  } finally {
    signal.removeEventListener('abort', leave);
    client.off('close', leave);
  }
}

function filterOf({ record }: Container, { details, ...rest }: LogOptions): Omit<LogOptions, 'details'> & { readonly details?: string } {
  return { ...rest, ...(details ? { details: logAttributes(record) } : {}) };
}
