import { ChangeSignal } from './changeSignal.ts';
import { TreeWatcher } from './treeWatcher.ts';

/** More events than this between two looks: some may have been dropped. */
const BURST = 8000;
const SAFETY_MS = 60_000;
const LIMITED_MS = 2000;

/**
 * Which paths have to be looked at: those that the system named; everything after so many events that some may be lost; and everything once in a while, as
 * no system promises to name all. Where the system cannot watch, everything every few seconds.
 */
export class Noticing implements Disposable {
  readonly watcher: TreeWatcher;
  readonly #signal: ChangeSignal;
  #paths = new Set<string>();
  #all = true;
  #limited: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(root: string, onChange: () => void) {
    this.#signal = new ChangeSignal(onChange, 15, 100);
    this.watcher = new TreeWatcher(root, {
      changed: (path) => this.touch(path),
      limited: (reason) => {
        this.#limited = reason;
        this.looked(0);
      },
    });
  }

  /** Why not all changes are noticed at once, where that is so. */
  get limited(): string | undefined {
    return this.#limited;
  }

  touch(path: string): void {
    if (path === '' || this.#paths.size >= BURST) this.#all = true;
    else this.#paths.add(path);
    this.#signal.touch();
  }

  touchAll(): void {
    this.#all = true;
    this.#signal.touch();
  }

  /** Looks again at these in a while, without hurry. */
  later(paths: Iterable<string>): void {
    for (const path of paths) this.#paths.add(path);
    if (this.#paths.size > 0) setTimeout(() => this.#signal.touch(), 300).unref();
  }

  take(): { readonly all: boolean; readonly paths: ReadonlySet<string> } {
    const taken = { all: this.#all, paths: this.#paths };
    this.#all = false;
    this.#paths = new Set();
    return taken;
  }

  /** Everything was looked at, which took so long: the next time is chosen such that looking is a small part of the time. */
  looked(tookMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.touchAll(), this.#limited !== undefined ? Math.max(LIMITED_MS, tookMs * 20) : Math.max(SAFETY_MS, tookMs * 500));
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal[Symbol.dispose]();
    this.watcher[Symbol.dispose]();
  }
}
