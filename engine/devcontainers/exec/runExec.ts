import { Duplex } from 'node:stream';
import { execInspectSchema } from '../../api/docker/containerView.ts';
import { Demultiplexer } from '../../api/docker/demultiplexer.ts';
import type { DevExecs } from '../ports.ts';
import { killTree } from './killTree.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly user: string;
  /** `NAME=value`; a bare `NAME` takes the container's variable away. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** Written to its standard input. */
  readonly input?: string;
}

/**
 * Runs a process in a container to its end and returns its exit status; output is told as it comes. Aborting kills the process
 * and what descends from it.
 */
export async function runExec(execs: DevExecs, containerId: string, request: ExecRequest, onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const id = execs.create(containerId, { AttachStdin: request.input !== undefined, AttachStdout: true, AttachStderr: true, Cmd: [...request.command], User: request.user, Env: [...request.env], WorkingDir: request.cwd });
  const onAbort = (): void => void killExec(execs, id).catch(() => undefined); // it has ended
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await execs.start(id, clientOf(request.input, onOutput));
    signal.throwIfAborted();
    return execInspectSchema.parse(await execs.inspect(id)).ExitCode ?? 0;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A client that sends the input, if there is any, and hands every frame on. */
function clientOf(input: string | undefined, onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void): Duplex {
  const demultiplexer = new Demultiplexer();
  return new Duplex({
    read() {
      if (input !== undefined && input !== '') this.push(input);
      this.push(null);
    },
    write(chunk: Buffer, _encoding, done) {
      for (const { data, stream } of demultiplexer.push(chunk)) onOutput(data, stream);
      done();
    },
  });
}

async function killExec(execs: DevExecs, id: string): Promise<void> {
  const { Pid } = execInspectSchema.parse(await execs.inspect(id));
  if (Pid > 1) await killTree(Pid);
}
