import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, signalProcess } from '../../host/processIdentity.ts';
import type { ExecService } from '../execService.ts';
import type { HealthPlan } from './healthPlan.ts';

const SIGKILL = 9;
const KILL_AGAIN_MS = 25;
const KEPT_BYTES = 4096;
const FRAME_HEAD = 8;

/** Runs a health check inside a container: its exit status and the beginning of its output; -1 when it took too long and was killed. */
export async function runCheck(execs: ExecService, containerId: string, plan: HealthPlan, left: AbortSignal): Promise<{ readonly exitCode: number; readonly output: string }> {
  const id = execs.create(containerId, { Cmd: [...plan.command], AttachStdout: true, AttachStderr: true });
  const output = new Output();
  let late = false;
  let over = false;
  /** On a busy host the time may be up before the check has a process at all: it is killed as soon as it has. */
  const kill = async (): Promise<void> => {
    while (!over) {
      const { Pid } = (await execs.inspect(id)) as { Pid: number };
      const process = Pid > 0 ? identify(Pid) : undefined;
      if (process && signalProcess(process, SIGKILL)) return;
      await delay(KILL_AGAIN_MS);
    }
  };
  const timer = setTimeout(() => {
    late = true;
    void kill().catch(() => undefined); // the container and its exec are gone
  }, plan.timeout);
  const leave = (): void => void kill().catch(() => undefined);
  left.addEventListener('abort', leave, { once: true });
  try {
    await execs.start(id, output);
  } finally {
    over = true;
    clearTimeout(timer);
    left.removeEventListener('abort', leave);
  }
  const { ExitCode } = (await execs.inspect(id)) as { ExitCode: number | null };
  if (late) return { exitCode: -1, output: `Health check exceeded timeout (${plan.timeout / 1000}s)${output.text() === '' ? '' : `: ${output.text()}`}` };
  return { exitCode: ExitCode ?? -1, output: output.text() };
}

/** What a client of the exec would receive, taken out of its frames; what is beyond the first 4 KiB is dropped. */
class Output extends Duplex {
  #pending: Buffer = Buffer.alloc(0);
  #kept: Buffer = Buffer.alloc(0);

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (;;) {
      if (this.#pending.length < FRAME_HEAD) break;
      const length = this.#pending.readUInt32BE(4);
      if (this.#pending.length < FRAME_HEAD + length) break;
      const room = KEPT_BYTES - this.#kept.length;
      if (room > 0) this.#kept = Buffer.concat([this.#kept, this.#pending.subarray(FRAME_HEAD, FRAME_HEAD + Math.min(length, room))]);
      this.#pending = this.#pending.subarray(FRAME_HEAD + length);
    }
    done();
  }

  override _read(): void {
    this.push(null); // nothing comes from a check
  }

  text(): string {
    return this.#kept.toString('utf8');
  }
}
