import type { ContainerConfig } from '../api/docker/container.ts';
import type { RunConfig } from '../content/oci.ts';
import { run } from '../host/process.ts';
import { copyTree } from '../host/tar/copyTree.ts';
import type { Container } from './container.ts';
import { withInsideIds } from './ownIds.ts';
import type { ContainerParts } from './parts.ts';
import { withRootfs } from './rootfsView.ts';

export interface CommitRequest {
  /** Name of the image; '' for none. */
  readonly name: string;
  readonly comment: string;
  readonly author: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** Nothing in the container runs while its files are copied. */
  readonly pause: boolean;
  /** Settings that replace the container's own. */
  readonly config: ContainerConfig;
}

/** Makes an image of what a container's files are now: the layers it stands on and one with its changes. Mounts are not part of it. */
export async function commitContainer(parts: ContainerParts, container: Container, request: CommitRequest): Promise<{ readonly id: string }> {
  const { record } = container;
  await using pending = await parts.snapshots.begin();
  await withRootfs(parts, container, () => frozen(parts, container, request.pause, () => copyChanges(container, pending.dir)));
  const { id } = await pending.commit({ ...(record.snapshots.at(-1) === undefined ? {} : { parent: record.snapshots.at(-1) ?? '' }) });
  return parts.images.commit({
    imageId: record.imageId,
    snapshotIds: [...record.snapshots, id],
    config: { ...imageSettings(record.config), ...imageSettings(request.config) },
    changes: request.changes,
    name: request.name,
    comment: request.comment,
    author: request.author,
    createdBy: record.args.join(' '),
  });
}

/** With the owners that the files have inside. Sockets are nothing without who listens on them; `cp` would refuse none of the rest. */
async function copyChanges(container: Container, to: string): Promise<void> {
  const { paths, record } = container;
  if (record.keepId) return withInsideIds(container, (reads) => copyTree(paths.upper, to, reads === undefined ? {} : { reads }));
  await run('cp', ['-a', '--reflink=auto', '--', `${paths.upper}/.`, to]);
}

/** The caller holds the lock. An engine that is killed meanwhile thaws the container at its next start: the state says `frozen`. */
async function frozen<T>(parts: ContainerParts, container: Container, wanted: boolean, work: () => Promise<T>): Promise<T> {
  // Without control groups nothing can be held still: then it is copied as it runs, as with `--pause=false`.
  if (!wanted || container.state.status !== 'running' || !parts.runtime.cgroups) return work();
  await parts.store.updateState(container, (now) => ({ ...now, frozen: true }));
  try {
    await parts.runtime.pause(container.id);
    return await work();
  } finally {
    await parts.runtime.resume(container.id).catch(() => undefined); // it may have been killed meanwhile
    await parts.store.updateState(container, (now) => ({ ...now, frozen: false }));
  }
}

/** Those of a container's settings that an image has too. Pure. */
export function imageSettings(config: ContainerConfig): RunConfig {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Healthcheck } = config;
  const all: Record<string, unknown> = { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Healthcheck };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== null));
}
