import { Duplex } from 'node:stream';
import { z } from 'zod';
import { Demultiplexer } from '../../api/docker/demultiplexer.ts';
import type { DevExecs } from '../ports.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly user: string;
  /** `NAME=value`; a bare `NAME` takes the container's variable away. */
  readonly env: readonly string[];
  readonly cwd: string;
}

const execStateSchema = z.looseObject({ ExitCode: z.number().nullish(), Pid: z.number().nullish() });

/**
 * Runs a process in a container to its end and returns its exit status; output is told as it comes. Aborting kills the process
 * and what it started in its session.
 */
export async function runExec(execs: DevExecs, containerId: string, request: ExecRequest, onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const id = execs.create(containerId, { AttachStdout: true, AttachStderr: true, Cmd: [...request.command], User: request.user, Env: [...request.env], WorkingDir: request.cwd });
  const onAbort = (): void => void killExec(execs, id);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await execs.start(id, outputOnly(onOutput));
    signal.throwIfAborted();
    return execStateSchema.parse(await execs.inspect(id)).ExitCode ?? 0;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A client that sends nothing and hands every frame on. */
function outputOnly(onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void): Duplex {
  const demultiplexer = new Demultiplexer();
  return new Duplex({
    read() {
      this.push(null);
    },
    write(chunk: Buffer, _encoding, done) {
      for (const { data, stream } of demultiplexer.push(chunk)) onOutput(data, stream);
      done();
    },
  });
}

/** The runtime gives each exec a session of its own, so its group is all it started, but for what left it on purpose. */
async function killExec(execs: DevExecs, id: string): Promise<void> {
  const { Pid } = execStateSchema.parse(await execs.inspect(id));
  if (!Pid || Pid <= 1) return;
  for (const target of [-Pid, Pid]) {
    try {
      process.kill(target, 'SIGKILL');
      return;
    } catch {
      // not a group's leader, or gone already
    }
  }
}
