import type { ChildProcess } from 'node:child_process';
import { identify, isAlive } from './processIdentity.ts';
import type { ProcessIdentity } from './processIdentity.ts';

const LOOK_MS = 200;

/**
 * Holds back what a terminal's process writes while its client is behind. conmon sends on whatever comes, and its socket cannot be left unread here, so conmon
 * itself is stopped: the terminal's buffer fills, and the kernel lets the process wait. Who is stopped reaps nobody, and a dead process that nobody
 * reaps keeps its container from ending: so its end lets go, and so does ours (`engineEnds`).
 */
export class Brake {
  readonly #monitor: ChildProcess;
  #process: ProcessIdentity | undefined;
  #wanted = false;
  #look: NodeJS.Timeout | undefined;

  /** `monitor`: the conmon of this process alone. */
  constructor(monitor: ChildProcess) {
    this.#monitor = monitor;
  }

  /** Only from now on can it be held back: conmon itself has to say that it runs. */
  started(pid: number): void {
    this.#process = identify(pid);
    if (this.#wanted) this.#stop();
  }

  hold(): void {
    this.#wanted = true;
    this.#stop();
  }

  release(): void {
    this.#wanted = false;
    clearInterval(this.#look);
    this.#look = undefined;
    this.#monitor.kill('SIGCONT');
  }

  #stop(): void {
    const { pid } = this.#monitor;
    if (this.#process === undefined || this.#look !== undefined || pid === undefined) return;
    if (!isAlive(this.#process)) return;
    this.#monitor.kill('SIGSTOP');
    this.#look = setInterval(() => {
      if (this.#process && isAlive(this.#process)) return;
      this.#process = undefined; // what is left of it is no more than the terminal's buffer
      this.release();
    }, LOOK_MS);
  }
}

/** What a command is preceded by, so that the kernel lets it go on when this process ends, in whatever way. */
export const engineEnds: readonly string[] = ['setpriv', '--pdeathsig', 'CONT', '--'];
