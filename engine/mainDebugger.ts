import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createContainerSchema } from './api/docker/container.ts';
import type { CreateContainer } from './api/docker/container.ts';
import { formatExtraHost } from './api/docker/run/extraHost.ts';
import { CleanupStack } from './base/cleanup.ts';
import { cancelled } from './base/errors.ts';
import { shortRandom } from './base/ids.ts';
import type { DebugContainer, FailedRun, RunDebugger, StepMount } from './build/ports.ts';
import type { ContainerService } from './containers/containerService.ts';
import type { ImageService } from './images/imageService.ts';
import type { SnapshotStore } from './snapshots/types.ts';

/** On containers of failed commands, and on their images: what a killed engine left of them is found by it. */
const LABEL = 'dev.berth.build-debug';
const ENVIRONMENT = '/run/berth-build-environment';

interface DebuggerParts {
  /** In memory: files that hold secrets. */
  readonly folder: string;
  readonly images: ImageService;
  readonly containers: ContainerService;
  readonly snapshots: SnapshotStore;
}

/** Shows a failed RUN as a container like any other, so that every client can join it. What a killed engine left is removed first. */
export async function openDebugger(parts: DebuggerParts): Promise<RunDebugger> {
  await rm(parts.folder, { recursive: true, force: true });
  for (const { id, record } of parts.containers.parts.store.list()) if (record.config.Labels?.[LABEL] !== undefined) await parts.containers.remove(id, { force: true, volumes: true });
  for (const { id, config, repoTags } of parts.images.list()) if (config.config?.Labels?.[LABEL] !== undefined && repoTags.length === 0) await parts.images.remove(id, { force: true });
  return { open: (failed) => open(parts, failed) };
}

async function open({ folder, images, containers, snapshots }: DebuggerParts, failed: FailedRun): Promise<DebugContainer> {
  await using undo = new CleanupStack();
  const files = join(folder, shortRandom());
  await mkdir(files, { recursive: true, mode: 0o700 });
  undo.defer(() => rm(files, { recursive: true, force: true }));
  const parent = failed.snapshotIds.at(-1);
  const written = await snapshots.adopt(failed.upperDir, parent === undefined ? {} : { parent });
  const config = { created: new Date().toISOString(), architecture: failed.platform.architecture, os: failed.platform.os, config: { Labels: { [LABEL]: files } } };
  const image = await images.addImage({ config, snapshotIds: [...failed.snapshotIds, written.id], tags: [] });
  undo.defer(async () => void (await images.remove(image.id, { force: true })));
  const { id } = await containers.create(createContainerSchema.parse(await requestOf(failed, image.id, files)));
  undo.defer(() => containers.remove(id, { force: true, volumes: true }));
  const kept = undo.move();
  return { id, ended: (signal) => ended(containers, id, signal), [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}

async function requestOf(failed: FailedRun, image: string, files: string): Promise<CreateContainer> {
  const environment = failed.secretEnv.length === 0 ? [] : [{ kind: 'file' as const, target: ENVIRONMENT, content: Buffer.from(failed.secretEnv.map(exported).join('')), mode: 0o444, uid: 0, gid: 0 }];
  const mounts = [...failed.mounts, ...environment];
  // What only the command was given must not be written down with the container: the shell reads it from memory.
  const command = environment.length === 0 ? [failed.shell] : [failed.shell, '-c', `. ${ENVIRONMENT}; exec "$0"`, failed.shell];
  return {
    Image: image,
    Entrypoint: [],
    Cmd: command,
    Env: [...failed.env],
    User: failed.user,
    WorkingDir: failed.cwd,
    Tty: failed.tty,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Labels: { [LABEL]: files },
    HostConfig: {
      NetworkMode: failed.network,
      ...hostSettings(failed),
      Privileged: failed.privileged,
      Mounts: (await Promise.all(mounts.map((mount, index) => mountOf(mount, join(files, String(index)))))).flat(),
    },
  } as CreateContainer;
}

function hostSettings({ settings: { hosts, shmSize, ulimits } = {} }: FailedRun): object {
  return { ...(hosts ? { ExtraHosts: hosts.map(formatExtraHost) } : {}), ...(shmSize === undefined ? {} : { ShmSize: shmSize }), ...(ulimits ? { Ulimits: ulimits } : {}) };
}

async function mountOf(mount: StepMount, file: string): Promise<object[]> {
  if (mount.kind === 'tmpfs') return [{ Type: 'tmpfs', Target: mount.target, ...(mount.size === undefined ? {} : { TmpfsOptions: { SizeBytes: mount.size } }) }];
  if (mount.kind === 'bind') return [{ Type: 'bind', Source: mount.source, Target: mount.target, ReadOnly: mount.readOnly }];
  await writeFile(file, mount.content, { mode: 0o600, flag: 'wx' });
  await chown(file, mount.uid, mount.gid);
  await chmod(file, mount.mode);
  return [{ Type: 'bind', Source: file, Target: mount.target, ReadOnly: true }];
}

function exported(entry: string): string {
  const equals = entry.indexOf('=');
  return `export ${entry.slice(0, equals)}='${entry.slice(equals + 1).replaceAll("'", String.raw`'\''`)}'\n`;
}

/** `next-exit`: it has not been started yet. */
async function ended(containers: ContainerService, id: string, signal: AbortSignal): Promise<void> {
  const left = new Promise<never>((_resolve, reject) => {
    const leave = (): void => reject(cancelled({ what: 'The build' }));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
  await Promise.race([containers.wait(id, 'next-exit'), left]);
}
