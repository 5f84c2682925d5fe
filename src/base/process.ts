import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The one module of the extension that starts processes. Arguments are arrays, never shell text. */

export interface Output {
  /** -1: ended by a signal or by the time-out. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  /** 0: as long as it takes. */
  readonly timeoutMs?: number;
  /** Each line of standard error as it comes. */
  readonly onLine?: (line: string) => void;
  /** Ends it, as Ctrl+C does. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end and returns what it wrote. Throws when it cannot be started. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    const settings = { encoding: 'utf8' as const, maxBuffer: 16 * 1024 * 1024, timeout: options.timeoutMs ?? 60_000, ...(options.env ? { env: options.env } : {}) };
    const child = execFile(program, [...args], settings, (error, stdout, stderr) => {
      if (!error) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === 'string') reject(new Error(`${program} cannot be started: ${String(error.code)}`, { cause: error }));
      else resolve({ status: error.code ?? -1, stdout, stderr });
    });
    const { onLine, signal, input } = options;
    if (input !== undefined) child.stdin?.on('error', () => undefined).end(input); // one that does not read it says why by its status
    if (onLine && child.stderr) createInterface({ input: child.stderr }).on('line', onLine);
    signal?.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  });
}

/**
 * Starts a program in a session of its own, so that it outlives the editor, and returns what it writes to file descriptor 3
 * until it closes that. Throws the system's error when it cannot be started.
 */
export async function startDetached(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(program, [...args], { detached: true, cwd: '/', env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const said = await Promise.race([readAll(child.stdio[3] as Readable), failed]);
  child.unref();
  return said;
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
