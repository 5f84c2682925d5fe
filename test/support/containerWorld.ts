import assert from 'node:assert/strict';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { CreateContainer } from '../../engine/api/docker/container.ts';
import type { EngineConfig } from '../../engine/base/config.ts';
import { EventBus } from '../../engine/base/eventBus.ts';
import { silentLog } from '../../engine/base/log.ts';
import type { Log } from '../../engine/base/log.ts';
import { ContainerService } from '../../engine/containers/containerService.ts';
import type { LogOptions } from '../../engine/containers/logs.ts';
import { StepRunner } from '../../engine/containers/stepRunner.ts';
import { ContentStore } from '../../engine/content/contentStore.ts';
import { cgroupFacts } from '../../engine/host/cgroups.ts';
import { run } from '../../engine/host/process.ts';
import { ImageService } from '../../engine/images/imageService.ts';
import { Registries } from '../../engine/registry/registries.ts';
import { containerImages } from '../../engine/mainAdapters.ts';
import { NetworkService } from '../../engine/networks/networkService.ts';
import { FileSnapshotStore } from '../../engine/snapshots/fileSnapshotStore.ts';
import { VolumeService } from '../../engine/volumes/volumeService.ts';
import { baseTar } from './base.ts';
import { cgroupsOf } from './cgroupsOf.ts';
import { leftovers } from './leftovers.ts';
import { removeTestRoot, testRoot } from './testRoots.ts';

export interface Finished {
  readonly id: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Containers on roots of their own, on real images, networks and volumes, with `debian` as image. */
export class ContainerWorld {
  readonly root: string;
  readonly instance: string;
  readonly events: EventBus;
  readonly containers: ContainerService;
  readonly images: ImageService;
  readonly snapshots: FileSnapshotStore;
  readonly networks: NetworkService;
  readonly volumes: VolumeService;
  readonly steps: StepRunner;

  private constructor(root: string, instance: string, parts: Pick<ContainerWorld, 'events' | 'containers' | 'images' | 'snapshots' | 'networks' | 'volumes' | 'steps'>) {
    this.root = root;
    this.instance = instance;
    this.events = parts.events;
    this.containers = parts.containers;
    this.images = parts.images;
    this.snapshots = parts.snapshots;
    this.networks = parts.networks;
    this.volumes = parts.volumes;
    this.steps = parts.steps;
  }

  /** Everything new. `instance`: at most 8 characters of [a-z0-9], each test file its own. */
  static async create(instance: string, settings: Partial<EngineConfig> = {}): Promise<ContainerWorld> {
    // The same file run again at the same time, in another corner of the matrix, has other names in the kernel.
    const name = `${process.env['BERTH_TEST_PREFIX'] ?? ''}${instance}`;
    const root = await testRoot(tmpdir(), name, { instance: name });
    const world = await ContainerWorld.open(root, name, { settings });
    await world.#loadBase();
    return world;
  }

  /** On roots that exist: as an engine started anew. */
  static async open(root: string, instance: string, { log = silentLog, settings = {} }: { readonly log?: Log; readonly settings?: Partial<EngineConfig> } = {}): Promise<ContainerWorld> {
    const dataRoot = join(root, 'data');
    const config = { dataRoot, runRoot: join(root, 'run'), socketPath: join(root, 'run', 'berth.sock'), instance, idleSeconds: 0, ...(process.env['BERTH_RUNTIME'] ? { runtime: process.env['BERTH_RUNTIME'] } : {}), ...settings };
    const events = new EventBus();
    const late: { containers?: ContainerService } = {};
    const snapshots = new FileSnapshotStore(dataRoot, log);
    const content = new ContentStore(dataRoot, log);
    await snapshots.load();
    await content.load();
    const images = new ImageService({ dataRoot, content, snapshots, registries: new Registries([]), events, log, inUse: (id) => late.containers?.usage.usersOfImage(id) ?? [], snapshotsInUse: () => late.containers?.usage.snapshotsInUse() ?? [] });
    const networks = new NetworkService({ config, log, events });
    const volumes = new VolumeService({ dataRoot, log, events, inUse: (name) => late.containers?.usage.usersOfVolume(name) ?? [] });
    await images.load();
    await networks.prepare();
    await volumes.load();
    const containers = await ContainerService.open({ config, log, events, images: containerImages(images), snapshots, networks, volumes });
    late.containers = containers;
    const steps = await StepRunner.open({ parts: containers.parts });
    return new ContainerWorld(root, instance, { events, containers, images, snapshots, networks, volumes, steps });
  }

  /** Creates and starts a container of `debian`; returns its id. */
  async start(command: readonly string[], request: CreateContainer = {}, name?: string): Promise<string> {
    const { id } = await this.containers.create({ Image: 'debian', Cmd: [...command], ...request }, name);
    await this.containers.start(id);
    return id;
  }

  /** Runs a shell script in a container to its end; the container stays. */
  async finish(script: string, request: CreateContainer = {}): Promise<Finished> {
    const { id } = await this.containers.create({ Image: 'debian', Cmd: ['sh', '-c', script], ...request });
    const ended = this.containers.wait(id, 'next-exit');
    await this.containers.start(id);
    const { statusCode } = await ended;
    return { id, exitCode: statusCode, stdout: await this.logs(id, { stderr: false }), stderr: await this.logs(id, { stdout: false }) };
  }

  /** As `finish`, and then removes the container. */
  async run(script: string, request: CreateContainer = {}): Promise<Omit<Finished, 'id'>> {
    const { id, ...result } = await this.finish(script, request);
    await this.containers.remove(id, { force: true, volumes: true });
    return result;
  }

  /** A container's log, as plain text. */
  async logs(id: string, options: Partial<LogOptions> = {}, signal = new AbortController().signal): Promise<string> {
    const out = new PassThrough();
    const chunks = collect(out);
    await this.containers.logs(id, { stdout: true, stderr: true, timestamps: false, follow: false, ...options }, out, signal);
    const tty = this.containers.find(id).tty;
    return tty ? Buffer.concat(chunks).toString() : unframe(Buffer.concat(chunks)).map(({ text }) => text).join('');
  }

  /** Runs a command in a running container. */
  async exec(id: string, command: readonly string[], config: object = {}): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
    const exec = this.containers.execs.create(id, { Cmd: [...command], AttachStdout: true, AttachStderr: true, ...config });
    const out = new PassThrough();
    const chunks = collect(out);
    await this.containers.execs.start(exec, out);
    const frames = unframe(Buffer.concat(chunks));
    const text = (stream: number): string => frames.filter((frame) => frame.stream === stream).map((frame) => frame.text).join('');
    const { ExitCode } = (await this.containers.execs.inspect(exec)) as { ExitCode: number | null };
    return { exitCode: ExitCode, stdout: text(1), stderr: text(2) };
  }

  /** Ends this engine's part in the life of its containers: they go on. */
  async close(): Promise<void> {
    await this.containers.close();
    await this.networks.close();
  }

  /** Removes all, and asserts that nothing is left on the host. */
  async remove(): Promise<void> {
    for (const { id } of this.containers.parts.store.list()) await this.containers.remove(id, { force: true, volumes: true });
    await this.close();
    const left = [...(await leftovers(this.root, this.instance)), ...(await cgroupsOf(`berth-${this.instance}`, cgroupFacts().version))];
    await removeTestRoot(this.root);
    assert.deepEqual(left, []);
  }

  async #loadBase(): Promise<void> {
    await using pending = await this.snapshots.begin();
    // Without device nodes, which an ordinary user cannot make; containers have those of their own.
    await run('tar', ['-xf', await baseTar(), '-C', pending.dir, '--numeric-owner', '-p', '--exclude=./dev/?*']);
    const { id } = await pending.commit({});
    await this.images.addImage({ config: { architecture: arch() === 'x64' ? 'amd64' : arch(), os: 'linux', config: { Cmd: ['bash'] } }, snapshotIds: [id], tags: ['debian'] });
  }
}

/** Docker's frames taken apart. */
export function unframe(data: Buffer): Array<{ stream: number; text: string }> {
  const frames: Array<{ stream: number; text: string }> = [];
  for (let at = 0; at + 8 <= data.length; ) {
    const length = data.readUInt32BE(at + 4);
    frames.push({ stream: data[at] ?? 0, text: data.toString('utf8', at + 8, at + 8 + length) });
    at += 8 + length;
  }
  return frames;
}

function collect(out: PassThrough): Buffer[] {
  const chunks: Buffer[] = [];
  out.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}
