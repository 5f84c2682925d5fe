import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotStore } from '../../snapshots/types.ts';
import type { MountCache } from '../cache/mountCache.ts';
import type { CacheEntry, StepCache } from '../cache/stepCache.ts';
import type { BuildCertificates } from '../ops/certificates.ts';
import type { Workspace } from '../ops/workspace.ts';
import { FormerLayer } from '../copy/formerLayer.ts';
import type { CopiedFiles, LayerFile } from '../copy/formerLayer.ts';
import type { SelectedSource } from '../copy/selectSources.ts';
import { executeCopy } from '../ops/copy.ts';
import { digestOf } from '../plan/digest.ts';
import type { CopyOp, Op, Step } from '../plan/graph.ts';
import { operationIdentity } from '../plan/planBuild.ts';
import type { StepRunner } from '../ports.ts';
import type { TempFolders } from '../temp.ts';
import type { Layer } from './layer.ts';
import { isFromContext, settleTimes } from './settleTimes.ts';
import type { SharedWork } from './sharedWork.ts';
import type { Slots } from './slots.ts';

/** What all builds of an engine share. */
export interface SolverServices {
  readonly snapshots: SnapshotStore;
  readonly runner: StepRunner;
  readonly cache: StepCache;
  readonly shared: SharedWork<CacheEntry>;
  readonly slots: Slots;
  readonly temps: TempFolders;
  readonly mounts: MountCache;
  readonly copied: CopiedFiles;
  /** Authorities that commands trust besides their own. */
  readonly certificates?: BuildCertificates | undefined;
}

/** A step that is done, and how it changes the files. */
export interface LayerWork {
  readonly step: Step;
  readonly key: string;
  readonly below: readonly Layer[];
  /** False: there was nothing to change; or the bytes of the files in the layer, where that is known. */
  readonly change: (workspace: Workspace) => Promise<boolean | number>;
  /** Of a copy from another stage, the digest of what is copied. */
  readonly content?: string;
  /** Of a copy, the files that it made. */
  readonly files?: ReadonlyMap<string, LayerFile>;
}

/** Makes layers of what steps change. */
export class LayerMaker {
  /** Digests of layers that are made while the steps behind are done. */
  readonly background: Array<Promise<unknown>> = [];
  readonly #services: SolverServices;
  readonly #epoch: number | undefined;
  readonly #hold: (snapshotId: string) => void;

  constructor(services: SolverServices, epoch: number | undefined, hold: (snapshotId: string) => void) {
    this.#services = services;
    this.#epoch = epoch;
    this.#hold = hold;
  }

  /** As soon as it is the step's turn. */
  inTurn(work: LayerWork, run: Pick<Workspace, 'signal' | 'print'>): Promise<CacheEntry> {
    return this.#services.slots.run(run.signal, () => this.make(work, run));
  }

  /** A copy of these files; what the same instruction copied before is not copied again. */
  copying(step: Step, op: CopyOp, sources: readonly SelectedSource[], keepOwners: boolean): Pick<LayerWork, 'change' | 'files'> {
    const made = new Map<string, LayerFile>();
    const change: LayerWork['change'] = async (workspace) => {
      const { snapshots, cache, copied } = this.#services;
      const former = cache.formerLayer(digestOf(operationIdentity(op)));
      // Whatever is newer than the epoch is set to it afterwards, so that their times are not what they were copied with.
      const mtime = this.#epoch !== undefined && isFromContext(step) ? this.#epoch * 1000 : undefined;
      return executeCopy(op, sources, keepOwners, workspace, { mtime, former: former === undefined ? undefined : new FormerLayer(snapshots.lowerDir(former), copied.of(former)), ...(this.#epoch === undefined || mtime !== undefined ? { made } : {}) });
    };
    return { change, files: made };
  }

  /** Lets the work fill an upper directory and makes it a layer. */
  async make({ step, key, below, change, content, files }: LayerWork, run: Pick<Workspace, 'signal' | 'print'>): Promise<CacheEntry> {
    const { snapshots, temps, cache } = this.#services;
    await using temp = await temps.create();
    const upperDir = join(temp.path, 'upper');
    await mkdir(upperDir, { mode: 0o755 });
    const changed = await change({ temp: temp.path, lowerDirs: this.lowerDirs(below), upperDir, place: step.place, ...run });
    run.signal.throwIfAborted();
    if (changed !== false && this.#epoch !== undefined) await settleTimes(upperDir, this.#epoch, { all: isFromContext(step), signal: run.signal });
    const parent = below.at(-1)?.snapshotId;
    const made = changed === false ? undefined : await snapshots.adopt(upperDir, { ...(parent === undefined ? {} : { parent }), ...(typeof changed === 'number' ? { size: changed } : {}) });
    if (made) this.#hold(made.id);
    if (made && files && files.size > 0) this.#services.copied.remember(made.id, files);
    // The image's id needs the layer's digest: it is made while the steps behind this one run.
    if (made && step.final) this.background.push(snapshots.identify(made.id).catch(() => undefined));
    const entry: CacheEntry = { key, snapshotId: made?.id ?? null, created: new Date().toISOString(), description: describe(step.op), ...(content === undefined ? {} : { content }), ...(step.op.kind === 'copy' ? { operation: digestOf(operationIdentity(step.op)) } : {}) };
    await cache.put(entry);
    return entry;
  }

  /** Topmost first. */
  lowerDirs(layers: readonly Layer[]): string[] {
    return layers.map((layer) => this.#services.snapshots.lowerDir(layer.snapshotId)).reverse();
  }
}

function describe(op: Op): string {
  if (op.kind === 'run') return `RUN ${op.args.join(' ')}`.slice(0, 200);
  if (op.kind === 'copy') return `COPY ${[...op.sources, op.dest].join(' ')}`.slice(0, 200);
  return op.kind === 'workdir' ? `WORKDIR ${op.path}` : `FROM ${op.ref}`;
}
