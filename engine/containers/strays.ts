import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fault } from '../base/inspector.ts';
import { cgroupsBelow, removeCgroupsBelow } from '../host/cgroupTrees.ts';
import { listMounts, unmount, unmountInside } from '../host/mounts.ts';
import { MissingRuntime } from '../host/runtimeChoice.ts';
import { endStrayTools, toolsOn } from '../host/strayTools.ts';
import type { ContainerParts } from './parts.ts';

const ID = /^[0-9a-f]{64}$/;
const ADVICE = 'berth system check --repair removes it.';

/** What looks like a container's or a build step's and belongs to none: processes, control groups, mounts, folders. */
export async function strayFaults(parts: ContainerParts, steps: ReadonlySet<string>): Promise<Fault[]> {
  const lives = (id: string): boolean => steps.has(id) || parts.locks.busy(id) || (parts.store.get(id)?.running ?? false);
  const [groups, mounts, folders] = await Promise.all([strayGroups(parts, lives), strayMounts(parts, steps), strayFolders(parts, lives)]);
  return [...strayProcesses(parts, lives), ...groups, ...mounts, ...folders];
}

type Lives = (id: string) => boolean;

function strayProcesses({ folders }: ContainerParts, lives: Lives): Fault[] {
  const places = [folders.bundles, folders.steps];
  return toolsOn(places)
    .filter(({ bundle }) => !lives(bundle))
    .map(({ pid, bundle }) => fault('ORPHAN_PROCESS', `pid ${pid}`, `A conmon or OCI runtime works for ${short(bundle)}, which is not running.`, () => endStrayTools(places, lives)));
}

async function strayGroups({ cgroups, cgroupParent }: ContainerParts, lives: Lives): Promise<Fault[]> {
  if (!cgroups.usable) return [];
  const names = [...(await cgroupsBelow(cgroups.version, cgroupParent))].filter((name) => !lives(name));
  return names.map((name) => fault('ORPHAN_CGROUP', `${cgroupParent}/${name}`, `There is a control group for ${short(name)}, which is not running.`, () => removeCgroupsBelow(cgroups.version, cgroupParent, (one) => one !== name || lives(one))));
}

/** Mounts of known containers are looked at with them. */
async function strayMounts({ store, folders }: ContainerParts, steps: ReadonlySet<string>): Promise<Fault[]> {
  const places = [store.folder, folders.bundles, folders.steps];
  const targets = (await listMounts()).map(({ target }) => target);
  return targets.flatMap((target) => {
    const place = places.find((folder) => target.startsWith(`${folder}/`));
    const id = place === undefined ? undefined : target.slice(place.length + 1).split('/')[0];
    if (id === undefined || steps.has(id) || store.get(id) !== undefined) return [];
    return [fault('ORPHAN_MOUNT', target, `${target} is mounted for ${short(id)}, which does not exist.`, () => unmount(target))];
  });
}

async function strayFolders(parts: ContainerParts, lives: Lives): Promise<Fault[]> {
  const { store, folders, runtime } = parts;
  const known = (id: string): boolean => lives(id) || store.get(id) !== undefined;
  const unknown = await Promise.all((await idsIn(store.folder)).filter((id) => !known(id)).map(async (id) => ({ id, kept: (await readdir(store.paths(id).folder).catch(() => [])).some((name) => name.startsWith('config.json.damaged-')) })));
  const aside = new Set(unknown.filter(({ kept }) => kept).map(({ id }) => id));
  const containers = unknown.filter(({ kept }) => !kept).map(({ id }) => folderFault(store.paths(id).folder, () => store.removeFolder(id)));
  const bundles = (await idsIn(folders.bundles)).filter((id) => !known(id) && !aside.has(id)).map((id) => folderFault(join(folders.bundles, id), () => removeTree(join(folders.bundles, id))));
  const stepFolders = (await idsIn(folders.steps)).filter((id) => !lives(id)).map((id) => folderFault(join(folders.steps, id), () => removeTree(join(folders.steps, id))));
  const exits = (await idsIn(folders.exits)).filter((id) => !known(id)).map((id) => folderFault(join(folders.exits, id), () => rm(join(folders.exits, id), { force: true })));
  const states = runtime instanceof MissingRuntime ? [] : (await idsIn(runtime.root)).filter((id) => !lives(id)).map((id) => folderFault(join(runtime.root, id), () => runtime.delete(id)));
  return [...containers, ...bundles, ...stepFolders, ...exits, ...states];
}

async function removeTree(folder: string): Promise<void> {
  await unmountInside(folder);
  await rm(folder, { recursive: true, force: true });
}

async function idsIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => ID.test(name));
}

function folderFault(path: string, repair: () => Promise<void>): Fault {
  return fault('ORPHAN_FOLDER', path, `${dirname(path)} has something for ${short(path.slice(dirname(path).length + 1))}, which nothing runs or knows.`, repair);
}

function fault(code: string, object: string, seen: string, repair: () => Promise<void>): Fault {
  return { code, kind: 'host', object, seen, advice: ADVICE, repair };
}

function short(id: string): string {
  return `container ${id.slice(0, 12)}`;
}
