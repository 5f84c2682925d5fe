import { access, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bootId } from '../host/bootId.ts';
import { removeCgroupsBelow } from '../host/cgroupTrees.ts';
import { listMounts, unmountInside } from '../host/mounts.ts';
import { MissingRuntime } from '../host/runtimeChoice.ts';
import { isAlive } from '../host/processIdentity.ts';
import { endStrayTools } from '../host/strayTools.ts';
import type { Container } from './container.ts';
import type { Ender } from './ending.ts';
import type { ContainerParts } from './parts.ts';
import { withoutProcess } from './record.ts';
import type { Remover } from './removal.ts';
import { dropStrayRoots } from './reachableRoot.ts';
import { releaseRuntime } from './release.ts';
import { runtimeStatus } from './runtimeStatus.ts';

/** Docker's status for a container whose end nobody saw. */
const UNSEEN = 255;

/**
 * What a former engine left, brought in order: running containers are taken over, ends in the meantime recorded, half-made starts
 * and removals finished off.
 */
export async function reconcileContainers(parts: ContainerParts, ender: Ender, remover: Remover): Promise<void> {
  const { store, folders, cgroups, cgroupParent } = parts;
  const { strays, damaged } = await store.load();
  const runs = (id: string): boolean => store.get(id)?.running ?? false;
  await endStrayTools([folders.bundles, folders.steps], runs);
  for (const id of strays) {
    await parts.runtime.delete(id);
    await parts.store.removeFolder(id);
    await rm(parts.store.paths(id).bundle, { recursive: true, force: true });
  }
  await dropStrayRoots(parts, runs);
  // Nobody can say any more how it is to be run: what of it runs is ended, its files are kept.
  for (const id of damaged) {
    await parts.runtime.delete(id);
    await unmountInside(parts.store.paths(id).folder);
    await rm(parts.store.paths(id).bundle, { recursive: true, force: true });
    await rm(join(folders.exits, id), { force: true });
  }
  const mounted = new Set((await listMounts()).map(({ target }) => target));
  await Promise.all(parts.store.list().map((container) => parts.locks.run(container.id, () => reconcileOne(parts, ender, remover, container, mounted))));
  // What a runtime that was killed in the middle had no time to note.
  if (cgroups.usable) await removeCgroupsBelow(cgroups.version, cgroupParent, runs);
  await parts.networks.reconcile(parts.store.list().filter(({ running }) => running).map(({ id }) => id));
}

/** Brings one container in order. The caller holds its lock. */
export async function reconcileOne(parts: ContainerParts, ender: Ender, remover: Remover, container: Container, mounted: ReadonlySet<string>): Promise<void> {
  const { status } = container.state;
  if (status === 'removing') return remover.removeLocked(container, { volumes: container.record.hostConfig.AutoRemove ?? false, release: true });
  if (status === 'running' || status === 'paused') return reconcileRunning(parts, ender, container);
  if (status === 'restarting') await parts.store.updateState(container, (now) => ({ ...now, status: 'exited' }));
  // A bundle or a mount without a running container: a start, an end or a copy that was cut short.
  const leftover = mounted.has(await realpath(container.paths.rootfs).catch(() => '')) || (await access(container.paths.bundle).then(() => true, () => false));
  if (leftover) await releaseRuntime(parts, container);
}

async function reconcileRunning(parts: ContainerParts, ender: Ender, container: Container): Promise<void> {
  const { boot } = container.state;
  if (boot !== undefined && boot !== bootId()) return ender.record(container, UNSEEN); // the host was restarted: its pids may be anybody's now
  const end = await ender.exitStatus(container.id);
  if (end !== undefined) return ender.record(container, end.code, '', end.at);
  const { process, monitor } = container.state;
  if (!process || !isAlive(process)) return ender.record(container, UNSEEN);
  if (!monitor || !isAlive(monitor)) return ender.record(container, UNSEEN, 'its monitor (conmon) ended before it did');
  if (parts.runtime instanceof MissingRuntime) return; // it runs; what can be said of it more, a runtime would have to say
  if (container.state.frozen) {
    await parts.runtime.resume(container.id).catch(() => undefined); // of a commit that was cut short; it may not have been frozen yet
    await parts.store.updateState(container, (now) => ({ ...now, frozen: false }));
  }
  const known = await runtimeStatus(parts, container.id);
  if (known === 'running' || known === 'paused') return parts.store.updateState(container, (now) => ({ ...now, status: known }));
  // Created and never begun: the engine was killed between the two.
  await releaseRuntime(parts, container);
  await parts.store.updateState(container, (now) => ({ ...withoutProcess(now), status: now.finishedAt.startsWith('0001') ? 'created' : 'exited', error: 'the engine ended while it was starting' }));
}
