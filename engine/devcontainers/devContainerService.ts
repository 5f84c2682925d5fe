import { basename } from 'node:path';
import type { DevContainer, DevContainerRef, ExecSpec, ExecSpecRequest, UpRequest } from '../api/berth/devcontainer.ts';
import type { EventBus } from '../base/eventBus.ts';
import type { HostLoopback } from '../host/rootless/hostLoopback.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { configFileLabel, devcontainerId, idLabels, localFolderLabel } from './config/devcontainerId.ts';
import { findConfig, realFolder } from './config/discover.ts';
import { metadataLabel, parseMetadataLabel } from './config/metadata.ts';
import { findDevContainers, inspectContainer } from './containerLookup.ts';
import { mergeWithImage, readDefinition } from './definition.ts';
import { devContainerNotUp } from './errors.ts';
import type { DevBuilder, DevContainers, DevImages, DevVolumes } from './ports.ts';
import { remoteUserOf, resolveRemote } from './remote.ts';
import { editorVolume } from './plan/planTools.ts';
import type { RunningDevContainer } from './running.ts';
import type { PortService } from './forwarding/portService.ts';
import { bringUp } from './up.ts';
import type { UpContext, UpOutcome } from './up.ts';
import { EditorBundle } from './web/editorBundle.ts';
import { WebEditors } from './web/webEditors.ts';
import { WorkspaceStore } from './workspaceStore.ts';

export interface DevContainerServiceParts {
  readonly dataRoot: string;
  readonly log: Log;
  readonly events: EventBus;
  readonly images: DevImages;
  readonly builder: DevBuilder;
  readonly containers: DevContainers;
  readonly volumes: DevVolumes;
  readonly ports: Pick<PortService, 'apply'>;
  readonly loopback: HostLoopback;
}

/** Dev containers: what devcontainer.json says, made and kept on the other services. */
export class DevContainerService {
  readonly #parts: DevContainerServiceParts;
  readonly #store: WorkspaceStore;
  readonly #locks = new KeyedMutex();
  readonly editor: EditorBundle;
  readonly web: WebEditors;
  #swept: Promise<void> | undefined;

  constructor(parts: DevContainerServiceParts) {
    const { dataRoot, log } = parts;
    this.#parts = parts;
    this.#store = new WorkspaceStore(dataRoot, log);
    this.editor = new EditorBundle(dataRoot, process.env);
    this.web = new WebEditors({ dataRoot, log, execs: parts.containers.execs, bundle: this.editor, loopback: parts.loopback, running: (request, signal) => this.#running(request, signal) });
  }

  /** Once, before anything is asked: what dev containers mount, and the ports of the editors there were. */
  async open(): Promise<void> {
    await this.editor.prepare();
    await this.web.restore();
  }

  close(): Promise<void> {
    return this.web.close();
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
        const outcome = await bringUp({ ...this.#parts, store: this.#store, toolsFolder: this.editor.folder }, definition, request, ctx);
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
    const { details, remote } = await this.#running(request, signal);
    const { user, env, cwd, shell } = remote;
    return { containerId: details.Id, user, env: [...env], cwd, shell };
  }

  /** The remote user of a dev container, whether it runs or not; whom the container runs as where its definition cannot be read. */
  async remoteUser(one: DevContainer): Promise<string> {
    const details = inspectContainer(this.#parts.containers, one.containerId);
    const user = details.Config.User ?? '';
    try {
      const definition = await readDefinition({ folder: one.folder, config: one.configFile });
      return remoteUserOf(mergeWithImage(definition, parseMetadataLabel(details.Config.Labels?.[metadataLabel] ?? undefined).entries), user);
    } catch {
      return user || 'root';
    }
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
        await this.#forget(idOf(one));
      });
      this.#announce('down', idLabels(one.folder, one.configFile), one.containerId);
    }
    return found;
  }

  async #running(request: ExecSpecRequest, signal: AbortSignal): Promise<RunningDevContainer> {
    const definition = await readDefinition(request);
    const [found] = findDevContainers(this.#parts.containers, definition.labels);
    if (found?.state !== 'running') throw devContainerNotUp({ folder: definition.folder, state: found?.state ?? 'absent' });
    const { execs } = this.#parts.containers;
    const details = inspectContainer(this.#parts.containers, found.containerId);
    const merged = mergeWithImage(definition, parseMetadataLabel(details.Config.Labels?.[metadataLabel] ?? undefined).entries);
    const remote = await resolveRemote({ execs, store: this.#store, definition, merged, details, signal, warn: (message) => this.#parts.log.warn(message, { container: details.Id }) });
    return { definition, merged, details, remote };
  }

  /** What is kept of a dev container beside its container, the editor's extensions and settings included. */
  async #forget(id: string): Promise<void> {
    await this.#store.remove(id);
    await this.web.forget(id);
    await this.#parts.volumes.remove(editorVolume(id));
  }

  /** The containers of a folder, even of one that has been moved away or whose definition is broken. */
  async #of({ folder, config }: DevContainerRef): Promise<DevContainer[]> {
    const path = await realFolder(folder).catch(() => folder);
    const labels = config === undefined ? { [localFolderLabel]: path } : { [localFolderLabel]: path, [configFileLabel]: await findConfig(path, config) };
    return findDevContainers(this.#parts.containers, labels);
  }

  /** Once in an engine's life: forgets what belongs to containers that are gone. */
  #sweep(): Promise<void> {
    const containers = this.list();
    this.#swept ??= this.#sweepOthers(new Set(containers.map((one) => one.containerId)), new Set(containers.map(idOf)));
    return this.#swept;
  }

  async #sweepOthers(containerIds: ReadonlySet<string>, ids: ReadonlySet<string>): Promise<void> {
    await this.#store.removeOthers(containerIds);
    for (const id of await this.web.ids()) if (!ids.has(id)) await this.#forget(id);
  }

  #announce(action: string, labels: Readonly<Record<string, string>>, containerId?: string): void {
    const name = basename(labels[localFolderLabel] ?? '');
    this.#parts.events.publish('devcontainer', action, devcontainerId(labels), { name, ...labels, ...(containerId === undefined ? {} : { container: containerId }) });
  }
}

function idOf(one: DevContainer): string {
  return devcontainerId(idLabels(one.folder, one.configFile));
}
