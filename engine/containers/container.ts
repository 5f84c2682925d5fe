import { join } from 'node:path';
import { Emitter } from '../base/emitter.ts';
import type { Health } from './health/healthPlan.ts';
import type { ContainerRecord, ContainerState } from './record.ts';

/** A client that waits for a container to have a process, to be connected to its stdio before that process runs. */
export interface PendingAttachment {
  connect(bundle: string): Promise<void>;
  /** The start failed or the container was removed. */
  abandon(): void;
}

/** Where one container keeps its things. `bundle` is under the runtime root and exists only while it runs. */
export interface ContainerPaths {
  readonly folder: string;
  readonly upper: string;
  readonly work: string;
  readonly rootfs: string;
  /** A layer of the mount points that this container needs. */
  readonly mountPoints: string;
  readonly log: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
  /** Mount point of /dev/shm where other containers may share it. */
  readonly shm: string;
  readonly bundle: string;
}

export function containerPaths(dataRoot: string, runRoot: string, id: string): ContainerPaths {
  const folder = join(dataRoot, 'containers', id);
  const inside = (name: string): string => join(folder, name);
  return {
    folder,
    upper: inside('upper'),
    work: inside('work'),
    rootfs: inside('rootfs'),
    mountPoints: inside('mountpoints'),
    log: inside('container.log'),
    hosts: inside('hosts'),
    hostname: inside('hostname'),
    resolvConf: inside('resolv.conf'),
    shm: inside('shm'),
    bundle: join(runRoot, 'bundles', id),
  };
}

/** One container in memory: what it is, what it does, and who waits for it. */
export class Container {
  #record: ContainerRecord;
  #state: ContainerState;
  readonly paths: ContainerPaths;
  readonly attachments = new Set<PendingAttachment>();
  readonly execs = new Set<string>();
  /** Of one with a health check: what the looks of this run (or of the last one) found. */
  health: Health | undefined;
  /** Fires with the exit status each time it ends. */
  readonly exited = new Emitter<number>();
  readonly removed = new Emitter<void>();
  /** Why a restart was asked for; cancelled by stop. */
  restartTimer: NodeJS.Timeout | undefined;

  constructor(record: ContainerRecord, state: ContainerState, paths: ContainerPaths) {
    this.#record = record;
    this.#state = state;
    this.paths = paths;
  }

  /** What it is: `store.updateRecord` changes it. */
  get record(): ContainerRecord {
    return this.#record;
  }

  /** What it does: `store.updateState` changes it. */
  get state(): ContainerState {
    return this.#state;
  }

  /** For ContainerWriter alone, which has written it down. */
  keep({ record = this.#record, state = this.#state }: { readonly record?: ContainerRecord; readonly state?: ContainerState }): void {
    this.#record = record;
    this.#state = state;
  }

  get id(): string {
    return this.record.id;
  }

  /** It has a process, paused or not. */
  get running(): boolean {
    return this.state.status === 'running' || this.state.status === 'paused';
  }

  get tty(): boolean {
    return this.record.config.Tty ?? false;
  }

  /** Resolves with the exit status when it ends next. */
  nextExit(): Promise<number> {
    return new Promise((resolve) => {
      const listener = this.exited.on((code) => {
        listener.dispose();
        resolve(code);
      });
    });
  }

  nextRemoval(): Promise<void> {
    return new Promise((resolve) => {
      const listener = this.removed.on(() => {
        listener.dispose();
        resolve();
      });
    });
  }
}
