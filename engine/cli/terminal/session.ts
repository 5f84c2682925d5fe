import type { Socket } from 'node:net';
import type { CliContext } from '../context.ts';
import { copyOutput } from '../streams/copyOutput.ts';
import { DetachDetector, parseDetachKeys } from './detachKeys.ts';
import { enterRawMode } from './rawMode.ts';

export interface SessionOptions {
  /** The other side is a terminal: raw bytes both ways, and ours in raw mode if it is one. */
  readonly tty: boolean;
  /** Whether what is typed here goes there. */
  readonly stdin: boolean;
  /** Default `ctrl-p,ctrl-q`; empty: none. */
  readonly detachKeys?: string | undefined;
  /** Leaves when this is aborted; what runs there goes on. */
  readonly signal?: AbortSignal;
  /** Tells the other side our size. */
  resize(size: { rows: number; columns: number }): Promise<unknown>;
}

/** Joins our terminal to a hijacked connection until the other side ends, or its user detaches. */
export async function runSession(context: CliContext, socket: Socket, options: SessionOptions): Promise<'ended' | 'detached'> {
  const { stdin } = context;
  const raw = options.tty && options.stdin && stdin.isTTY;
  const stopResizing = options.tty ? followSize(context, options) : () => undefined;
  let detach: () => void = () => undefined;
  const detached = new Promise<'detached'>((resolve) => (detach = () => resolve('detached')));
  const stopInput = options.stdin ? forwardInput(context, socket, raw ? keysOf(options.detachKeys) : [], () => detach()) : () => undefined;
  const leaveRawMode = raw ? enterRawMode(stdin) : undefined;
  try {
    const output = copyOutput(socket, { stdout: context.stdout, stderr: context.stderr }, options.tty).then(() => 'ended' as const);
    output.catch(() => undefined);
    return await Promise.race([output, detached, ...(options.signal ? [aborted(options.signal)] : [])]);
  } finally {
    await leaveRawMode?.();
    stopResizing();
    stopInput();
    socket.destroy();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const leave = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(new DOMException('interrupted', 'AbortError'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
  leave.catch(() => undefined);
  return leave;
}

function keysOf(text: string | undefined): number[] {
  if (text === '') return [];
  const keys = parseDetachKeys(text ?? 'ctrl-p,ctrl-q');
  if (!keys) throw new Error(`${text ?? ''} are no detach keys: expected letters and ctrl-letters, as ctrl-p,ctrl-q`);
  return keys;
}

/** The connection's input side ends when ours does; afterwards our stdin must not hold the process. */
function forwardInput(context: CliContext, socket: Socket, keys: readonly number[], onDetach: () => void): () => void {
  const { stdin } = context;
  const detector = new DetachDetector(keys);
  const onData = (chunk: Buffer): void => {
    const { forward, detached } = detector.push(chunk);
    if (forward.length > 0 && !socket.write(forward)) stdin.pause();
    if (detached) onDetach();
  };
  const onDrain = (): void => void stdin.resume();
  const onEnd = (): void => void socket.end();
  stdin.on('data', onData).once('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('error', () => undefined); // the end of the output tells
  return () => {
    stdin.off('data', onData).off('end', onEnd);
    socket.off('drain', onDrain);
    stdin.pause();
    if ('unref' in stdin) stdin.unref();
  };
}

function followSize(context: CliContext, options: SessionOptions): () => void {
  const { stdout } = context;
  if (!stdout.isTTY) return () => undefined;
  // A process that has ended meanwhile has no size; that is no error of the session.
  const tell = (): void => {
    if (stdout.rows > 0 && stdout.columns > 0) void options.resize({ rows: stdout.rows, columns: stdout.columns }).catch(() => undefined);
  };
  tell();
  stdout.on('resize', tell);
  return () => void stdout.off('resize', tell);
}
