import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { constants } from 'node:os';
import { hostCommandFailed, hostToolMissing, systemCode } from '../base/errors.ts';
import type { Ended, Launched, Launcher, LaunchOptions } from './launch.ts';

/** The one module that starts processes. Arguments are arrays, never shell text. */

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to the process's standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Statuses that are not failures; default `[0]`. `'any'`: never throw for a status. */
  readonly okStatus?: readonly number[] | 'any';
}

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What starts processes here otherwise than Node does; see launch.ts. */
let launcher: Launcher | undefined;

/** From now on this process starts others by it: the engine does, whose heap is not worth a copy for each. */
export function useLauncher(given: Launcher | undefined): void {
  launcher = given;
}

/** Runs a program to its end and returns what it printed. Throws HOST_TOOL_MISSING or HOST_COMMAND_FAILED. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { code, signal, stdout, stderr } = await (launcher ? launcher.capture(program, args, options) : capture(program, args, options)).catch((error: unknown) => {
    throw error instanceof Error ? startFailure(program, error) : error;
  });
  const result = { status: code ?? (signal ? 128 : 1), stdout, stderr };
  const ok = options.okStatus ?? [0];
  if (ok === 'any' || ok.includes(result.status)) return result;
  throw hostCommandFailed({ command: commandLine(program, args), status: result.status, stderr: lastLines(result.stderr || result.stdout) });
}

function capture(program: string, args: readonly string[], { cwd, env, input, signal }: RunOptions): Promise<Ended & { readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, { cwd, env, signal, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code, ended) => resolve({ code, signal: ended, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }));
    if (input !== undefined) {
      child.stdin?.on('error', () => undefined); // a program that does not read its input says why by its status
      child.stdin?.end(input);
    }
  });
}

/** Starts a program that gets descriptors and nothing else; its end rejects when it cannot start. */
export function launch(program: string, args: readonly string[], { stdio: given, ...others }: LaunchOptions): Launched {
  const options = { ...others, stdio: Array.from({ length: Math.max(3, given.length) }, (_none, index) => given[index] ?? 'ignore') };
  try {
    if (launcher) return launcher.launch(program, args, options);
  } catch (error) {
    const failed = Promise.reject<Ended>(startFailure(program, error instanceof Error ? error : new Error(String(error))));
    failed.catch(() => undefined); // whoever waits for it hears of it
    return { ended: failed, kill: () => undefined };
  }
  const child = start(program, args, options);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure(program, error)));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return { ended, kill: (signal) => void child.kill(signal) };
}

/** A status as shells have it: 128 and the signal's number when a signal ended the process. Rejects if it could not start. */
export async function statusOf({ ended }: Pick<Launched, 'ended'>): Promise<number> {
  const { code, signal } = await ended;
  return code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
}

/** Starts a program; the caller owns it: its streams, its end, its `error` event. */
export function start(program: string, args: readonly string[], options: { [K in keyof SpawnOptions]: SpawnOptions[K] | undefined } = {}): ChildProcess {
  return spawn(program, [...args], { ...(options), shell: false });
}

/** A child's exit status (128 + signal when a signal ended it). Rejects if it cannot start. */
export function exitOf(program: string, child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(startFailure(program, error)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
  });
}

/** An `error` event of a child as a row of the error table. */
export function startFailure(program: string, error: Error): Error {
  // A folder of PATH that one may not enter makes EACCES of what is in none of them.
  const code = systemCode(error);
  if (code === 'ENOENT' || (code === 'EACCES' && !program.includes('/'))) return hostToolMissing({ tool: program, hint: 'Run berth doctor --fix to install what Berth needs.' }, { cause: error });
  return error;
}

function commandLine(program: string, args: readonly string[]): string {
  return [program, ...args].join(' ').slice(0, 300);
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join('\n').slice(-2000);
}
