import type { DevContainer, UpRequest } from '../api/berth/devcontainer.ts';
import type { DevPort } from '../api/berth/port.ts';
import type { ContainerInspect } from '../api/docker/containerView.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import { CleanupStack } from '../base/cleanup.ts';
import { metadataLabel, parseMetadataLabel } from './config/metadata.ts';
import type { MergedConfig } from './config/metadata.ts';
import { substituteContainer } from './config/substitute.ts';
import { environmentOf, findDevContainers, inspectContainer } from './containerLookup.ts';
import type { Definition } from './definition.ts';
import { mergeWithImage } from './definition.ts';
import { runExec } from './exec/runExec.ts';
import { hostIdentity, runHostCommand } from './lifecycle/hostCommand.ts';
import { planStages } from './lifecycle/planStages.ts';
import { runHooks } from './lifecycle/runHooks.ts';
import type { RunCommand } from './lifecycle/runHooks.ts';
import type { DevBuilder, DevContainers, DevImages } from './ports.ts';
import { definitionLabel, prepareContainer, prepareImage } from './prepareContainer.ts';
import { portSettings } from './forwarding/attributes.ts';
import type { PortService } from './forwarding/portService.ts';
import { remoteUserOf, resolveRemote } from './remote.ts';
import { step } from './tell.ts';
import type { Tell } from './tell.ts';
import type { WorkspaceRecord, WorkspaceStore } from './workspaceStore.ts';

export interface UpParts {
  readonly images: DevImages;
  readonly builder: DevBuilder;
  readonly containers: DevContainers;
  readonly store: WorkspaceStore;
  /** The host's folder of tools that dev containers mount. */
  readonly toolsFolder: string;
  readonly ports: Pick<PortService, 'apply'>;
}

export interface UpContext {
  readonly signal: AbortSignal;
  readonly tell: Tell;
  /** The registries' logins of who asks: used for this only, and kept nowhere. */
  readonly auths?: RegistryAuths;
  /** Told as soon as there is a container, so that a failure later on can name it. */
  readonly onContainer: (id: string) => void;
}

export interface UpOutcome {
  readonly containerId: string;
  readonly remoteUser: string;
  readonly remoteWorkspaceFolder: string;
}

/** Brings the dev container of a definition up: finds, starts or makes it, and runs its lifecycle commands. One at a time for a definition. */
export async function bringUp(parts: UpParts, definition: Definition, request: UpRequest, ctx: UpContext): Promise<UpOutcome> {
  for (const message of definition.warnings) ctx.tell({ type: 'warning', message });
  await initialize(definition, ctx);
  const found = findDevContainers(parts.containers, definition.labels);
  const [best] = request.removeExistingContainer === true ? [] : found;
  const id = best ? await reuse(parts, definition, best, ctx) : await make(parts, definition, request, found, ctx);
  ctx.onContainer(id);
  const details = inspectContainer(parts.containers, id);
  const merged = mergeWithImage(definition, parseMetadataLabel(details.Config.Labels?.[metadataLabel] ?? undefined).entries);
  tellPublished(details, ctx.tell);
  for (const port of await parts.ports.apply(id, portSettings(merged))) tellForwarded(port, ctx.tell);
  await runStages(parts, definition, merged, details, request, ctx);
  return { containerId: id, remoteUser: remoteUserOf(merged, details.Config.User ?? ''), remoteWorkspaceFolder: definition.workspace.folder };
}

async function initialize(definition: Definition, { tell, signal }: UpContext): Promise<void> {
  const hook = definition.config.initializeCommand;
  if (hook === undefined) return;
  const { folder: cwd, variables } = definition;
  const identity = await hostIdentity(cwd);
  const run: RunCommand = (command, onOutput) => runHostCommand(command, { cwd, env: variables.localEnv, identity, onOutput, signal });
  const who = identity?.env['USER'] ?? (identity ? `user ${identity.uid}` : undefined);
  await step(tell, 'initializeCommand', `initializeCommand${who === undefined ? '' : `, as ${who}`}`, () => runHooks(definition.document, 'initializeCommand', [{ value: hook, origin: 0 }], run, tell));
}

/** The container there is, started if it does not run. */
async function reuse({ containers }: UpParts, definition: Definition, { containerId, name }: DevContainer, { tell, signal }: UpContext): Promise<string> {
  const details = inspectContainer(containers, containerId);
  const madeFrom = details.Config.Labels?.[definitionLabel];
  if (madeFrom !== undefined && madeFrom !== definition.digest) tell({ type: 'warning', message: `${definition.configFile} or its Dockerfile has changed since the container ${name} was made. To use the new definition: berth up --remove-existing-container` });
  signal.throwIfAborted();
  if (details.State.Running) {
    tell({ type: 'step', step: 'container', status: 'finished', text: `The container ${name} runs already` });
    return containerId;
  }
  try {
    await step(tell, 'start', `Starting the container ${name}`, () => containers.start(containerId));
  } catch (error) {
    tell({ type: 'warning', message: 'If it cannot be started any more as it was made, a new one may be: berth up --remove-existing-container' });
    throw error;
  }
  return containerId;
}

/**
 * Makes and starts a container in the place of those there are, which stay until the image is ready. One that cannot be started is removed, so that
 * the next `up` plans its ports and mounts anew.
 */
async function make(parts: UpParts, definition: Definition, request: UpRequest, replaced: readonly DevContainer[], { tell, signal, auths }: UpContext): Promise<string> {
  const { image, reference } = await prepareImage(definition, parts, { noCache: request.noCache ?? false, pull: request.pull ?? false, ...(auths ? { auths } : {}) }, tell, signal);
  for (const one of replaced) await step(tell, 'remove', `Removing the container ${one.name}`, () => parts.containers.remove(one.containerId, { force: true, volumes: true }));
  const { plan, warnings } = await prepareContainer(definition, image, reference, parts);
  for (const message of warnings) tell({ type: 'warning', message });
  signal.throwIfAborted();
  const { keepId } = plan;
  if (keepId && !parts.images.hasLayersFor(image.id, keepId)) await step(tell, 'layers', `Copying the layers of ${reference} for user ${keepId.uid}, once`, () => parts.images.copyLayersFor(image.id, keepId));
  signal.throwIfAborted();
  return step(tell, 'container', `Starting the new container ${plan.name}`, async () => {
    await using cleanup = new CleanupStack();
    const { id, warnings: noted } = await parts.containers.create(plan.body, plan.name);
    cleanup.defer(() => parts.containers.remove(id, { force: true, volumes: true }));
    for (const message of noted) tell({ type: 'warning', message });
    signal.throwIfAborted();
    await parts.containers.start(id);
    cleanup.keep();
    return id;
  });
}

async function runStages(parts: UpParts, definition: Definition, merged: MergedConfig, details: ContainerInspect, request: UpRequest, ctx: UpContext): Promise<void> {
  const { store } = parts;
  const fresh = { folder: definition.folder, configFile: definition.configFile, containerId: details.Id };
  const before = await store.read(definition.id, fresh);
  const options = { skipPostCreate: request.skipPostCreate ?? false, skipPostAttach: request.skipPostAttach ?? false, skipNonBlocking: request.skipNonBlockingCommands ?? false };
  const done = { ...before.done };
  const planned = planStages(merged, done, { id: details.Id, startedAt: details.State.StartedAt }, options);
  const run = planned.some(({ stage }) => merged.hooks[stage].length > 0) ? await remoteRunner(parts, definition, merged, details, ctx) : undefined;
  let unsaved = false;
  for (const { stage, marker } of planned) {
    const hooks = substituteContainer(merged.hooks[stage], environmentOf(details));
    if (hooks.length > 0 && run) await step(ctx.tell, stage, stage, () => runHooks(definition.document, stage, hooks, run, ctx.tell));
    if (marker === undefined) continue;
    // A marker is left when the stage has succeeded: one that failed, or was cut short, runs again.
    done[stage] = marker;
    unsaved = hooks.length === 0;
    if (!unsaved) await save(parts.store, definition, fresh, done, stage === 'postStartCommand');
  }
  if (unsaved) await save(parts.store, definition, fresh, done, true);
}

/** What the commands that set the container up did may show in the user's environment, which is then probed again. */
async function save(store: WorkspaceStore, definition: Definition, fresh: Omit<WorkspaceRecord, 'done'>, done: Readonly<Record<string, string>>, keepProbe: boolean): Promise<void> {
  const { probe, ...rest } = await store.read(definition.id, fresh);
  await store.write(definition.id, { ...rest, done, ...(keepProbe && probe ? { probe } : {}) });
}

async function remoteRunner(parts: UpParts, definition: Definition, merged: MergedConfig, details: ContainerInspect, { tell, signal }: UpContext): Promise<RunCommand> {
  const { execs } = parts.containers;
  const remote = await resolveRemote({ execs, store: parts.store, definition, merged, details, signal, warn: (message) => tell({ type: 'warning', message }) });
  return (command, onOutput) => runExec(execs, details.Id, { command: command.args, user: remote.user, env: remote.env, cwd: remote.cwd }, onOutput, signal);
}

function tellForwarded({ host, port, local, published, problem }: DevPort, tell: Tell): void {
  if (local && !published) tell({ type: 'port', port, hostIp: local.host, hostPort: local.port, ...(host === '' ? {} : { host }) });
  if (problem) tell({ type: 'warning', message: problem.message });
}

function tellPublished(details: ContainerInspect, tell: Tell): void {
  for (const [key, bindings] of Object.entries(details.NetworkSettings.Ports)) {
    const [binding] = bindings ?? [];
    if (binding && key.endsWith('/tcp')) tell({ type: 'port', port: Number.parseInt(key, 10), hostIp: binding.HostIp === '' || binding.HostIp === '0.0.0.0' ? '127.0.0.1' : binding.HostIp, hostPort: Number(binding.HostPort) });
  }
}
