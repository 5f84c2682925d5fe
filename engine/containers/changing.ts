import type { Limits } from '../api/docker/container.ts';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import { autoRemoves, cgroupsMissing, isPaused, notPaused, notRunning, sameName } from './errors.ts';
import { checkHostConfig } from './hostConfigChecks.ts';
import { limitsIn, limitsWithoutController, toResources } from './limits.ts';
import { checkName } from './names.ts';
import type { ContainerParts } from './parts.ts';

export async function pauseContainer({ runtime, store, locks, events }: ContainerParts, container: Container): Promise<void> {
  await locks.run(container.id, async () => {
    if (container.state.status === 'paused') throw isPaused({ id: container.id });
    if (!container.running) throw notRunning({ id: container.id });
    if (!runtime.cgroups) throw cgroupsMissing({ what: 'pausing a container' });
    await runtime.pause(container.id);
    await store.updateState(container, (now) => ({ ...now, status: 'paused' }));
  });
  announce(events, container, 'pause');
}

export async function unpauseContainer({ runtime, store, locks, events }: ContainerParts, container: Container): Promise<void> {
  await locks.run(container.id, async () => {
    if (container.state.status !== 'paused') throw notPaused({ id: container.id });
    await runtime.resume(container.id);
    await store.updateState(container, (now) => ({ ...now, status: 'running' }));
  });
  announce(events, container, 'unpause');
}

export async function renameContainer({ store, locks, networks, events }: ContainerParts, container: Container, newName: string): Promise<void> {
  const name = checkName(newName);
  const old = await locks.run(container.id, async () => {
    const { name: before } = container.record;
    if (name === before) throw sameName({ name });
    store.reserveName(name, container.id);
    await store.updateRecord(container, (now) => ({ ...now, name })).catch((error: unknown) => {
      store.releaseName(name, container.id);
      throw error;
    });
    store.releaseName(before, container.id);
    networks.rename(container.id, name);
    return before;
  });
  announce(events, container, 'rename', { oldName: `/${old}` });
}

/** Changes limits and restart policy, of a running container at once. */
export async function updateContainer({ runtime, cgroups, store, locks, events }: ContainerParts, container: Container, change: Limits): Promise<void> {
  const limited = limitsIn(change);
  const impossible = runtime.cgroups ? limitsWithoutController(change, cgroups) : limited;
  if (impossible.length > 0) throw cgroupsMissing({ what: impossible.join(', ') });
  const given = Object.fromEntries(Object.entries(change).filter(([key, value]) => isGiven(key, value)));
  await locks.run(container.id, async () => {
    if ('RestartPolicy' in given && container.record.hostConfig.AutoRemove) throw autoRemoves({ id: container.id });
    const hostConfig = { ...container.record.hostConfig, ...given };
    checkHostConfig(hostConfig);
    if (container.running && limited.length > 0) await runtime.update(container.id, container.paths.bundle, toResources(hostConfig, cgroups));
    await store.updateRecord(container, (now) => ({ ...now, hostConfig: { ...now.hostConfig, ...given } }));
  });
  announce(events, container, 'update');
}

/** Clients send what they do not mean to change as empty: a restart policy too, of which only the name counts. */
function isGiven(key: string, value: unknown): boolean {
  if (key === 'RestartPolicy') return typeof value === 'object' && value !== null && 'Name' in value && Boolean(value.Name);
  return value !== null && value !== undefined && value !== 0 && value !== '';
}
