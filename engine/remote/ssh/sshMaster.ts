import { start } from '../../host/process.ts';
import { atMost } from './patience.ts';

/**
 * Runs ssh, and ends it when standard input ends: so that ssh does not outlive us when we are killed. `read` waits in the shell itself, no
 * further process is left behind.
 */
const TIED = 'exec 3<&0; "$@" </dev/null 3<&- & ssh=$!; { read -r _ <&3; kill "$ssh"; } 2>/dev/null & wait "$ssh"; exit $?';
const KEEP = 8_000;
const STOP_MS = 1_000;

/** The ssh process that holds a connection. */
export class SshMaster {
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  status: { readonly code: number | undefined } | undefined;
  #said = '';
  #total = 0;
  readonly #child: ReturnType<typeof start>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = start('/bin/sh', ['-c', TIED, 'sh', 'ssh', ...args], { env, stdio: ['pipe', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      this.#total += text.length;
      this.#said = `${this.#said}${text}`.slice(-KEEP);
    });
    this.#child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.status = { code: code ?? undefined };
        resolve();
      };
      // Not "close": the shell's reader holds the outputs until our end of its input is closed.
      this.#child.once('exit', (code) => {
        this.#child.stdin?.destroy();
        this.#child.once('close', () => end(code));
      });
      this.#child.once('error', () => end(127));
    });
  }

  /** What it printed so far. */
  get said(): string {
    return this.#said;
  }

  /** How much it has printed: for `saidSince`. */
  get mark(): number {
    return this.#total;
  }

  saidSince(mark: number): string {
    return this.#said.slice(Math.max(0, this.#said.length - (this.#total - mark)));
  }

  async stop(): Promise<void> {
    this.#child.stdin?.destroy();
    await atMost(STOP_MS, this.ended);
  }
}
