import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { hostCommandFailed, hostToolMissing, systemCode } from '../base/errors.ts';

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

/** Runs a program to its end and returns what it printed. Throws HOST_TOOL_MISSING or HOST_COMMAND_FAILED. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, { cwd: options.cwd, env: options.env, signal: options.signal, stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', (error) => reject(startFailure(program, error)));
    child.once('close', (code, signal) => {
      const result = { status: code ?? (signal ? 128 : 1), stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
      const ok = options.okStatus ?? [0];
      if (ok === 'any' || ok.includes(result.status)) resolve(result);
      else reject(hostCommandFailed({ command: commandLine(program, args), status: result.status, stderr: lastLines(result.stderr || result.stdout) }));
    });
    if (options.input !== undefined) {
      child.stdin?.on('error', () => undefined); // a program that does not read its input says why by its status
      child.stdin?.end(options.input);
    }
  });
}

/** Starts a program; the caller owns it: its streams, its end, its `error` event. */
export function start(program: string, args: readonly string[], options: { [K in keyof SpawnOptions]: SpawnOptions[K] | undefined } = {}): ChildProcess {
  return spawn(program, [...args], { ...(options), shell: false });
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
