import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { Pipe } from '../host/fifoPool.ts';
import { runtimeMessage } from '../host/ociRuntime.ts';
import { statusOf } from '../host/process.ts';
import { inputOf } from './attachment.ts';
import { execFailure, isAboutCommand } from './commandFailure.ts';
import type { ExecSession } from './execSession.ts';
import { ClientOutput, drained } from './framing.ts';
import type { ContainerParts } from './parts.ts';

/** How long output is awaited after the end, when a process left behind keeps it open. */
const LINGER_MS = 2000;

/** Runs an exec without a terminal by the OCI runtime itself, its stdio on real pipes; resolves when it has ended and its output is delivered. */
export async function runPiped({ runtime, fifos }: ContainerParts, session: ExecSession, client: Duplex, ended: (code: number) => void): Promise<void> {
  const wants = { stdin: session.config.AttachStdin ?? false, stdout: session.config.AttachStdout ?? false, stderr: session.config.AttachStderr ?? false };
  const [input, stdout, stderr] = await Promise.all([wants.stdin ? fifos.input() : undefined, wants.stdout ? fifos.output() : undefined, wants.stderr ? fifos.output() : undefined]);
  const pipes = [input, stdout, stderr];
  const output = new ClientOutput(client, false);
  try {
    const child = runtime.spawnExec(session.container.id, files(session), pipes.map((pipe) => pipe?.childFd ?? 'ignore'), false);
    const exited = statusOf(child);
    for (const pipe of pipes) pipe?.handedOver();
    if (input) void pumpInput(client, input).catch(() => input.socket.destroy());
    else client.resume();
    const verdict = exited.then((code) => (code === 0 ? undefined : failureOf(session)));
    const pumped = Promise.all([pumpOutput(stdout, output), pumpErrors(stderr, output, verdict)]);
    const code = await exited;
    await Promise.race([pumped, new Promise((resolve) => setTimeout(resolve, LINGER_MS).unref())]);
    const failure = await verdict;
    if (failure) output.write('stdout', Buffer.from(`${failure.error.message}\r\n`));
    ended(failure?.exitCode ?? code);
  } finally {
    for (const pipe of pipes) {
      pipe?.handedOver();
      pipe?.socket.destroy();
    }
    client.end();
  }
}

/** Runs an exec that nobody watches; it goes on when the engine ends. Resolves once it runs. */
export async function runDetached({ runtime }: ContainerParts, session: ExecSession, ended: (code: number) => void): Promise<void> {
  const watching = watch(session.bundle);
  const running = new Promise<'running'>((resolve) => watching.on('change', (_event, name) => (name === 'pid' ? resolve('running') : undefined)));
  try {
    const child = runtime.spawnExec(session.container.id, files(session), ['ignore', 'ignore', 'ignore'], true);
    const exited = statusOf(child);
    const recorded = exited.then(async (code) => {
      const failure = code === 0 ? undefined : await failureOf(session);
      ended(failure?.exitCode ?? code);
      return failure;
    });
    recorded.catch(() => undefined);
    const first = await Promise.race([running, recorded]);
    if (first !== 'running' && first) throw first.error;
  } finally {
    watching.close();
  }
}

/** What the runtime itself says went wrong, if it did: then the status is not the process's. */
async function failureOf(session: ExecSession): Promise<{ readonly error: Error; readonly exitCode: number } | undefined> {
  const log = await readFile(files(session).log, 'utf8').catch(() => '');
  return log.trim() === '' ? undefined : execFailure(runtimeMessage(log), session.config.Cmd?.[0] ?? '');
}

function files({ bundle }: ExecSession): { readonly process: string; readonly pid: string; readonly log: string } {
  return { process: join(bundle, 'process.json'), pid: join(bundle, 'pid'), log: join(bundle, 'log') };
}

async function pumpInput(client: Duplex, { socket }: Pipe): Promise<void> {
  for await (const chunk of inputOf(client)) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
  socket.end();
}

async function pumpOutput(pipe: Pipe | undefined, output: ClientOutput): Promise<void> {
  if (!pipe) return;
  for await (const chunk of pipe.socket as Readable) if (!output.write('stdout', chunk as Buffer)) await output.drained();
}

/** A runtime that cannot run the command says so on the command's own stderr too: that is not the command's output. */
async function pumpErrors(pipe: Pipe | undefined, output: ClientOutput, verdict: Promise<unknown>): Promise<void> {
  if (!pipe) return;
  let first = true;
  for await (const chunk of pipe.socket as Readable) {
    if (first && isAboutCommand((chunk as Buffer).toString('latin1', 0, 200)) && (await verdict) !== undefined) return;
    first = false;
    if (!output.write('stderr', chunk as Buffer)) await output.drained();
  }
}
