import { mkdir, stat } from 'node:fs/promises';
import type { CreateContainer } from '../api/docker/container.ts';
import { CleanupStack } from '../base/cleanup.ts';
import { badRequest } from '../base/errors.ts';
import { fitsPlatform, parsePlatform } from '../base/platform.ts';
import { newId } from '../base/ids.ts';
import { propagationOf } from '../host/mounts.ts';
import { setLabel } from '../host/seLinux/relabel.ts';
import { MissingRuntime } from '../host/runtimeChoice.ts';
import type { ImageConfig } from '../content/oci.ts';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import { planContainer } from './createPlan.ts';
import { bindSourceMissing, invalidConfig, noSuchContainer, platformMismatch } from './errors.ts';
import { idmapSupport } from './idmapFallback.ts';
import { logAttributes } from './logAttributes.ts';
import { checkName, inventName } from './names.ts';
import type { PlannedMount } from './mountPlan.ts';
import type { ContainerParts } from './parts.ts';
import { limitWarnings, limitsIn } from './limits.ts';
import type { ContainerRecord, MountPoint } from './record.ts';
import { confinementWarnings } from './securityModules.ts';
import { withoutEffect } from './unsupported.ts';
import { volumeWarnings } from './volumeOwners.ts';
import { volumesFrom, withInherited } from './volumesFrom.ts';

export interface Created {
  readonly container: Container;
  readonly warnings: readonly string[];
}

/** Makes a container; on failure nothing of it is left, volumes with a name excepted (as with Docker). */
export async function createContainer(parts: ContainerParts, request: CreateContainer, wishedName?: string, platform?: string): Promise<Created> {
  const { store, images, events } = parts;
  if (!request.Image) throw badRequest({ what: 'create container', detail: 'Image: no image was named' });
  const image = await images.resolve(request.Image, platform);
  if (platform) checkPlatform(request.Image, image.config, platform);
  const plan = planContainer(request, image.config);
  const id = newId();
  await using undo = new CleanupStack();
  const name = wishedName ? checkName(wishedName) : inventName((one) => store.hasName(one));
  store.reserveName(name, id);
  undo.defer(() => store.releaseName(name, id));
  const inherited = await knowingOthers(() => volumesFrom(request.HostConfig?.VolumesFrom ?? [], (ref) => store.find(ref).record.mounts));
  const mounts = await realise(parts, inherited.length > 0 ? withInherited(plan.mounts, inherited) : plan.mounts, undo);
  const { config, hostConfig, args } = plan.record;
  const network = { ...plan.record.network, endpoints: plan.record.network.endpoints.map((member) => ({ ...member, network: nameOfNetwork(parts, member.network) })) };
  await using _taken = { [Symbol.asyncDispose]: () => Promise.resolve([parts.idRanges, parts.seLinux].forEach((taken) => taken.done(id))) };
  const ids = await knowingOthers(() => parts.idRanges.take(id, hostConfig));
  // As Podman: whoever asks for it and says nothing more is the user that is kept.
  const user = ids.keepId && hostConfig.UsernsMode && !request.User ? { User: `${ids.keepId.uid}:${ids.keepId.gid}` } : {};
  const labels = await knowingOthers(() => parts.seLinux.take(id, hostConfig));
  const hostname = config.Hostname || (network.mode === 'host' || network.mode.startsWith('container:') ? '' : id.slice(0, 12));
  const record: ContainerRecord = { id, name, created: new Date().toISOString(), imageId: image.id, imageRef: request.Image, snapshots: image.layers.map(({ snapshotId }) => snapshotId), args, config: { ...config, ...user, Hostname: hostname }, hostConfig, mounts, ...ids, ...labels, network };
  logAttributes(record); // throws for options of the log that mean nothing
  undo.defer(() => store.removeFolder(id));
  const container = await store.add(record, hostConfig.AutoRemove ?? false);
  if (record.seLinux) await setLabel(container.paths.upper, record.seLinux.mount);
  undo.keep();
  announce(events, container, 'create');
  return { container, warnings: warningsOf(parts, container) };
}

/** Another container that is named and not there is a mistake in the request: what is answered with "not found", clients take for the image, and pull it. */
async function knowingOthers<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (noSuchContainer.is(error)) throw invalidConfig({ what: 'No such container', detail: String(error.params['ref']) }, { cause: error });
    throw error;
  }
}

/** Networks are remembered by name; one that is not there yet may be when the container starts. */
function nameOfNetwork({ networks }: ContainerParts, ref: string): string {
  try {
    return networks.networkName(ref);
  } catch {
    return ref;
  }
}

/** `platform` may name a variant too; then the image's, if it says one, must be that. */
function checkPlatform(image: string, config: ImageConfig, platform: string): void {
  const wanted = parsePlatform(platform);
  const fits = wanted ? fitsPlatform(config, wanted) : config.os === platform;
  if (!fits) throw platformMismatch({ image, has: `${config.os}/${config.architecture}`, wanted: platform });
}

/** Finds or makes what the mounts mount. */
async function realise(parts: ContainerParts, planned: readonly PlannedMount[], undo: CleanupStack): Promise<MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const { volumeName, volumeLabels, createSource, ...mount } of planned) {
    if (mount.type === 'volume') {
      const volume = await parts.volumes.create({ ...(volumeName ? { name: volumeName } : {}), ...(volumeLabels ? { labels: volumeLabels } : {}) });
      if (mount.anonymous) undo.defer(() => parts.volumes.remove(volume.name, { force: true }));
      mounts.push({ ...mount, name: volume.name, source: volume.mountpoint });
      continue;
    }
    if (mount.type === 'bind') {
      await checkSource(mount.source, createSource);
      await checkPropagation(mount);
    }
    mounts.push(mount);
  }
  return mounts;
}

/** As Docker: what is to be passed on or received must come from a mount that does so. */
async function checkPropagation({ source, propagation }: MountPoint): Promise<void> {
  if (!/(shared|slave)$/.test(propagation)) return;
  const found = await propagationOf(source);
  const fits = found === 'shared' || (found === 'slave' && propagation.endsWith('slave'));
  if (!fits) throw invalidConfig({ what: 'invalid bind propagation', detail: `path ${source} is mounted on a ${found} mount, not on a shared${propagation.endsWith('slave') ? ' or slave' : ''} one. Make it one: mount --bind ${source} ${source} && mount --make-rshared ${source}` });
}

async function checkSource(path: string, create: boolean): Promise<void> {
  const there = await stat(path).then(() => true, () => false);
  if (there) return;
  if (!create) throw bindSourceMissing({ path });
  await mkdir(path, { recursive: true });
}

function warningsOf(parts: ContainerParts, { record }: Container): string[] {
  const warnings = [...withoutEffect(record.hostConfig, parts.runtime.name), ...volumeWarnings(parts, record), ...confinementWarnings(parts, record), ...discardedPorts(record)];
  if (!parts.runtime.cgroups && !(parts.runtime instanceof MissingRuntime)) {
    const limits = limitsIn(record.hostConfig);
    if (limits.length > 0) warnings.push(`The engine may not use control groups on this host: ${limits.join(', ')} had no effect. Limitation discarded.`);
    return [...warnings, ...idmapWarnings(parts, record)];
  }
  return [...warnings, ...limitWarnings(record.hostConfig, parts.cgroups), ...idmapWarnings(parts, record)];
}

function discardedPorts({ hostConfig, network }: ContainerRecord): string[] {
  const published = hostConfig.PublishAllPorts || Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return published && network.mode === 'host' ? ['Published ports are discarded when using host network mode'] : [];
}

function idmapWarnings(parts: Pick<ContainerParts, 'runtime'>, { mounts }: ContainerRecord): string[] {
  if (!mounts.some(({ idmap }) => idmap) || idmapSupport(parts.runtime) !== 'none') return [];
  return ["Without root no idmapped mounts can be made: in mounted folders your files belong to root of the container, and other users of the container can write only where everybody may. Have root give you further ids (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 <you>, and install newuidmap), and it is theirs. Or use root there (\"remoteUser\": \"root\"): it is you."];
}
