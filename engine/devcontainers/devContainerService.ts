import { basename } from 'node:path';
import type { DevContainer, DevContainerRef, ExecSpec, ExecSpecRequest, UpRequest } from '../api/berth/devcontainer.ts';
import type { EventBus } from '../base/eventBus.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { configFileLabel, devcontainerId, idLabels, localFolderLabel } from './config/devcontainerId.ts';
import { findConfig, realFolder } from './config/discover.ts';
import { metadataLabel, parseMetadataLabel } from './config/metadata.ts';
import { findDevContainers, inspectContainer } from './containerLookup.ts';
import { mergeWithImage, readDefinition } from './definition.ts';
import { devContainerNotUp } from './errors.ts';
import type { PortService } from './forwarding/portService.ts';
import type { DevBuilder, DevContainers, DevImages } from './ports.ts';
import { resolveRemote } from './remote.ts';
import { bringUp } from './up.ts';
import type { UpContext, UpOutcome } from './up.ts';
import { WorkspaceStore } from './workspaceStore.ts';

export interface DevContainerServiceParts {
  readonly dataRoot: string;
  readonly log: Log;
  readonly events: EventBus;
  readonly images: DevImages;
  readonly builder: DevBuilder;
  readonly containers: DevContainers;
  readonly ports: Pick<PortService, 'apply'>;
}

/** Dev containers: what devcontainer.json says, made and kept on the other services. */
export class DevContainerService {
  readonly #parts: DevContainerServiceParts;
  readonly #store: WorkspaceStore;
  readonly #locks = new KeyedMutex();
  #swept: Promise<void> | undefined;

  constructor(parts: DevContainerServiceParts) {
    this.#parts = parts;
    this.#store = new WorkspaceStore(parts.dataRoot, parts.log);
  }

  /** All dev containers, the running ones first. */
  list(): DevContainer[] {
    return findDevContainers(this.#parts.containers, {});
  }

  /**
   * Brings the dev container of a folder up. Throws what reading the definition, building, creating and starting throw, and
   * DEVCONTAINER_COMMAND_FAILED; a container that runs stays when a lifecycle command failed.
   */
  async up(request: UpRequest, ctx: UpContext): Promise<UpOutcome> {
    await this.#sweep();
    const definition = await readDefinition(request);
    return this.#locks.run(definition.id, async () => {
      ctx.signal.throwIfAborted();
      this.#announce('up_begin', definition.labels);
      try {
        const outcome = await bringUp({ ...this.#parts, store: this.#store }, definition, request, ctx);
        this.#announce('up', definition.labels, outcome.containerId);
        return outcome;
      } catch (error) {
        this.#announce('up_failed', definition.labels);
        throw error;
      }
    });
  }

  /** How to run processes in a running dev container. Throws DEVCONTAINER_NOT_UP. */
  async execSpec(request: ExecSpecRequest, signal: AbortSignal): Promise<ExecSpec> {
    const definition = await readDefinition(request);
    const [found] = findDevContainers(this.#parts.containers, definition.labels);
    if (found?.state !== 'running') throw devContainerNotUp({ folder: definition.folder, state: found?.state ?? 'absent' });
    const { execs } = this.#parts.containers;
    const details = inspectContainer(this.#parts.containers, found.containerId);
    const merged = mergeWithImage(definition, parseMetadataLabel(details.Config.Labels?.[metadataLabel] ?? undefined).entries);
    const { user, env, cwd, shell } = await resolveRemote({ execs, store: this.#store, definition, merged, details, signal, warn: (message) => this.#parts.log.warn(message, { container: details.Id }) });
    return { containerId: details.Id, user, env: [...env], cwd, shell };
  }

  /** Stops the dev containers of a folder; those of one definition when it is named. Throws DEVCONTAINER_NOT_UP when there is none. */
  async stop(ref: DevContainerRef, timeout?: number): Promise<DevContainer[]> {
    const found = await this.#of(ref);
    if (found.length === 0) throw devContainerNotUp({ folder: ref.folder, state: 'absent' });
    for (const one of found) {
      await this.#locks.run(idOf(one), () => this.#parts.containers.stop(one.containerId, timeout === undefined ? {} : { timeout }));
      this.#announce('stop', idLabels(one.folder, one.configFile), one.containerId);
    }
    return this.#of(ref);
  }

  /** Removes the dev containers of a folder with their anonymous volumes and what is remembered of them. Returns what there was. */
  async down(ref: DevContainerRef): Promise<DevContainer[]> {
    const found = await this.#of(ref);
    for (const one of found) {
      await this.#locks.run(idOf(one), async () => {
        await this.#parts.containers.remove(one.containerId, { force: true, volumes: true });
        await this.#store.remove(idOf(one));
      });
      this.#announce('down', idLabels(one.folder, one.configFile), one.containerId);
    }
    return found;
  }

  /** The containers of a folder, even of one that has been moved away or whose definition is broken. */
  async #of({ folder, config }: DevContainerRef): Promise<DevContainer[]> {
    const path = await realFolder(folder).catch(() => folder);
    const labels = config === undefined ? { [localFolderLabel]: path } : { [localFolderLabel]: path, [configFileLabel]: await findConfig(path, config) };
    return findDevContainers(this.#parts.containers, labels);
  }

  /** Once in an engine's life: forgets what belongs to containers that are gone. */
  #sweep(): Promise<void> {
    this.#swept ??= this.#store.removeOthers(new Set(this.list().map((one) => one.containerId)));
    return this.#swept;
  }

  #announce(action: string, labels: Readonly<Record<string, string>>, containerId?: string): void {
    const name = basename(labels[localFolderLabel] ?? '');
    this.#parts.events.publish('devcontainer', action, devcontainerId(labels), { name, ...labels, ...(containerId === undefined ? {} : { container: containerId }) });
  }
}

function idOf(one: DevContainer): string {
  return devcontainerId(idLabels(one.folder, one.configFile));
}
