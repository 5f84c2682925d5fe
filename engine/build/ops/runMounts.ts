import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CleanupStack } from '../../base/cleanup.ts';
import { run } from '../../host/process.ts';
import type { MountCache } from '../cache/mountCache.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';
import { Copier } from '../copy/copier.ts';
import type { SelectedSource, SourceTree } from '../copy/selectSources.ts';
import { copySourceNotFound, secretMissing } from '../errors.ts';
import { mountReadable } from '../overlay.ts';
import type { RunMount, RunOp } from '../plan/graph.ts';
import type { StepMount } from '../ports.ts';
import type { Workspace } from './workspace.ts';

/** What a build gives to its commands and nobody else. */
export interface BuildSecrets {
  /** By id. Never written to a disk, a log or a key. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** Paths of agents' sockets on this host, by id. */
  readonly agents: ReadonlyMap<string, string>;
}

/** Where a mount's files come from: the layers of another step (topmost first), or files chosen from the context. */
export type MountInput = { readonly lowerDirs: readonly string[] } | { readonly tree: SourceTree; readonly selected: readonly SelectedSource[] };

export interface PreparedMounts extends AsyncDisposable {
  readonly mounts: readonly StepMount[];
  /** `NAME=value`. */
  readonly env: readonly string[];
}

type Of<K extends RunMount['kind']> = Extract<RunMount, { kind: K }>;
const ROOT = { uid: 0, gid: 0 };

/** Makes ready what the mounts of a RUN show. Disposing it lets go of caches and views. Throws COPY_SOURCE_NOT_FOUND, BUILD_SECRET_MISSING. */
export async function prepareMounts(op: RunOp, inputs: ReadonlyArray<MountInput | undefined>, workspace: Workspace, parts: { readonly caches: MountCache; readonly given: BuildSecrets }): Promise<PreparedMounts> {
  await using cleanup = new CleanupStack();
  const preparer = new Preparer(workspace, parts, cleanup);
  // Caches that lock are taken in one order, so that no two steps wait for each other.
  const order = op.mounts.map((mount, index) => ({ mount, input: inputs[index], index })).sort((a, b) => (lockOf(a.mount) < lockOf(b.mount) ? -1 : 1));
  const prepared = new Map<number, StepMount>();
  for (const { mount, input, index } of order) {
    const one = await preparer.prepare(mount, input, index);
    if (one) prepared.set(index, one);
  }
  const kept = cleanup.move();
  return { mounts: [...prepared].sort(([a], [b]) => a - b).map(([, mount]) => mount), env: preparer.env, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}

function lockOf(mount: RunMount): string {
  return mount.kind === 'cache' ? mount.id : '';
}

class Preparer {
  readonly env: string[] = [];
  readonly #workspace: Workspace;
  readonly #caches: MountCache;
  readonly #given: BuildSecrets;
  readonly #cleanup: CleanupStack;

  constructor(workspace: Workspace, { caches, given }: { readonly caches: MountCache; readonly given: BuildSecrets }, cleanup: CleanupStack) {
    this.#workspace = workspace;
    this.#caches = caches;
    this.#given = given;
    this.#cleanup = cleanup;
  }

  async prepare(mount: RunMount, input: MountInput | undefined, index: number): Promise<StepMount | undefined> {
    switch (mount.kind) {
      case 'bind':
        return this.#bind(mount, input, index);
      case 'cache':
        return this.#cache(mount, input, index);
      case 'tmpfs':
        return { kind: 'tmpfs', target: mount.target, ...(mount.size === undefined ? {} : { size: mount.size }) };
      case 'secret':
        return this.#secret(mount);
      case 'ssh':
        return this.#agent(mount);
      case 'script':
        return { kind: 'file', target: mount.target, content: Buffer.from(mount.content), mode: 0o755, ...ROOT };
    }
  }

  async #bind(mount: Of<'bind'>, input: MountInput | undefined, index: number): Promise<StepMount> {
    if (!input) throw new Error('a bind mount has no files');
    const source = await this.#files(mount.source, input, index, mount.writable);
    return { kind: 'bind', source, target: mount.target, readOnly: !mount.writable };
  }

  async #cache(mount: Of<'cache'>, input: MountInput | undefined, index: number): Promise<StepMount> {
    const fill = input && (async (folder: string): Promise<void> => void (await run('cp', ['-a', '--', `${await this.#files(mount.source, input, index, false)}/.`, folder], { signal: this.#workspace.signal })));
    const held = await this.#caches.hold({ id: mount.id, sharing: mount.sharing, mode: mount.mode, uid: mount.uid, gid: mount.gid, ...(fill ? { fill } : {}) }, this.#workspace.signal);
    this.#cleanup.defer(async () => held[Symbol.asyncDispose]());
    return { kind: 'bind', source: held.path, target: mount.target, readOnly: !mount.writable };
  }

  #secret(mount: Of<'secret'>): StepMount | undefined {
    const content = this.#given.secrets.get(mount.id);
    if (!content) {
      if (mount.required) throw secretMissing({ ...this.#workspace.place, kind: 'secret', id: mount.id });
      return undefined;
    }
    if (mount.env !== undefined) this.env.push(`${mount.env}=${content.toString('utf8')}`);
    return mount.target === undefined ? undefined : { kind: 'file', target: mount.target, content, mode: mount.mode, uid: mount.uid, gid: mount.gid };
  }

  #agent(mount: Of<'ssh'>): StepMount | undefined {
    const source = this.#given.agents.get(mount.id);
    if (source === undefined) {
      if (mount.required) throw secretMissing({ ...this.#workspace.place, kind: 'SSH agent', id: mount.id });
      return undefined;
    }
    if (!this.env.some((entry) => entry.startsWith('SSH_AUTH_SOCK='))) this.env.push(`SSH_AUTH_SOCK=${mount.target}`);
    return { kind: 'bind', source, target: mount.target, readOnly: false };
  }

  /** A path of this host at which the source can be mounted: nothing that is written there changes anything that stays. */
  async #files(source: string, input: MountInput, index: number, writable: boolean): Promise<string> {
    const temp = join(this.#workspace.temp, `mount-${index}`);
    await mkdir(temp);
    if ('lowerDirs' in input) {
      const view = await mountReadable(temp, input.lowerDirs);
      this.#cleanup.defer(async () => view[Symbol.asyncDispose]());
      return this.#inside(view.root, source);
    }
    if (!writable && !input.tree.filter) return this.#inside(input.tree.root, source);
    const folder = join(temp, 'files');
    await mkdir(folder);
    const copier = new Copier({ view: await empty(temp), upper: folder, owner: ROOT, madeBy: ROOT, signal: this.#workspace.signal });
    const [first] = input.selected;
    if (!first) throw this.#missing(source);
    const isFolder = first.entries[0]?.type === 'folder';
    await copier.copy(first, '/');
    return isFolder ? folder : join(folder, first.name);
  }

  async #inside(root: string, source: string): Promise<string> {
    const path = join(root, await resolveInRoot(root, source));
    await lstat(path).catch(() => {
      throw this.#missing(source);
    });
    return path;
  }

  #missing(source: string): Error {
    return copySourceNotFound({ ...this.#workspace.place, source, where: 'the files of a mount' });
  }
}

async function empty(temp: string): Promise<string> {
  const path = join(temp, 'nothing');
  await mkdir(path);
  return path;
}
