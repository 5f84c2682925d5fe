import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, lstatSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Replica } from '../../engine/base/replica/replica.ts';
import type { Entry } from '../../engine/base/sync/entry.ts';
import { Controller } from '../../engine/remote/sync/controller.ts';
import type { CycleReport } from '../../engine/remote/sync/controller.ts';

/** Memory where there is some: making thousands of small files on disk takes seconds. */
export function quickFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

/** What is in a folder: files by content and mode, links by target, folders by mode; our own staging folder as well, as it must not be there. */
export function treeOf(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const inside = path === '' ? name : `${path}/${name}`;
      const stats = lstatSync(join(root, inside));
      const mode = (stats.mode & 0o777).toString(8);
      if (stats.isDirectory()) {
        found[inside] = `folder ${mode}`;
        visit(inside);
      } else if (stats.isSymbolicLink()) found[inside] = `-> ${readlinkSync(join(root, inside))}`;
      else found[inside] = stats.isFile() ? `${mode} ${readFileSync(join(root, inside), 'latin1')}` : 'special';
    }
  };
  visit('');
  return found;
}

export function put(root: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** Two folders of this machine and what keeps them equal, without a connection between them. */
export class SyncPair implements AsyncDisposable {
  readonly folder = mkdtempSync(join(quickFolder(), 'berth-sync-'));
  readonly local = join(this.folder, 'local');
  readonly remote = join(this.folder, 'remote');
  readonly ancestor = new Map<string, Entry>();
  #controller: Controller | undefined;
  #sides: Replica[] = [];

  constructor() {
    mkdirSync(this.local);
    mkdirSync(this.remote);
  }

  async open(extra: readonly string[] = []): Promise<Controller> {
    const local = await Replica.open({ root: this.local, id: 'a1', rules: { gitignore: true, extra } });
    const remote = await Replica.open({ root: this.remote, id: 'a1' });
    this.#sides = [local, remote];
    this.#controller = new Controller({ local, remote, remoteRoot: this.remote, localName: 'here', remoteName: 'web1', ancestor: this.ancestor });
    return this.#controller;
  }

  /** Looks at everything and makes both equal. */
  async cycle(): Promise<CycleReport> {
    this.#controller ??= await this.open();
    return this.#controller.cycle({ full: true, remote: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of this.#sides) await side.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
