import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { OperationContext } from '../../engine/base/context.ts';
import { quietContext } from '../../engine/base/context.ts';
import { EventBus } from '../../engine/base/eventBus.ts';
import { silentLog } from '../../engine/base/log.ts';
import type { Log } from '../../engine/base/log.ts';
import { ContentStore } from '../../engine/content/contentStore.ts';
import { ImageArchives } from '../../engine/images/imageArchives.ts';
import { PackedLayers } from '../../engine/images/packedLayers.ts';
import { RemoteImages } from '../../engine/images/remoteImages.ts';
import { Registries } from '../../engine/registry/registries.ts';
import type { ImageRecord } from '../../engine/images/imageRecord.ts';
import { UnpackThreads } from '../../engine/host/tar/unpackThreads.ts';
import { ImageService } from '../../engine/images/imageService.ts';
import { FileSnapshotStore } from '../../engine/snapshots/fileSnapshotStore.ts';

/** Images on a data root of the test's own, opened as the engine opens them at its start. */
export class ImageWorld {
  readonly root: string;
  readonly events = new EventBus();
  /** Settings of registries are in `settings` below the root. */
  readonly registries: Registries;
  /** Containers by the image that they use; tests set it. */
  users: Record<string, string[]> = {};
  snapshots!: FileSnapshotStore;
  content!: ContentStore;
  images!: ImageService;
  archives!: ImageArchives;
  remote!: RemoteImages;

  private constructor(root: string) {
    this.root = root;
    this.registries = new Registries([join(root, 'settings')]);
  }

  static async create(parent = tmpdir()): Promise<ImageWorld> {
    const world = new ImageWorld(await mkdtemp(join(parent, 'berth-images-')));
    await world.open();
    return world;
  }

  /** On a data root that something else made. */
  static async on(root: string): Promise<ImageWorld> {
    const world = new ImageWorld(root);
    await world.open();
    return world;
  }

  /** As an engine started anew. */
  async open(log: Log = silentLog): Promise<void> {
    await mkdir(this.root, { recursive: true });
    this.snapshots?.close();
    this.snapshots = new FileSnapshotStore(this.root, log);
    this.content = new ContentStore(this.root, log);
    await this.snapshots.load();
    await this.content.load();
    this.images = new ImageService({ threads: new UnpackThreads(resolve(import.meta.dirname, '../../engine/host/tar/unpackWorker.ts')), dataRoot: this.root, content: this.content, snapshots: this.snapshots, registries: this.registries, events: this.events, log, inUse: (id) => this.users[id] ?? [], snapshotsInUse: () => [] });
    await this.images.load();
    await this.images.collect(this.snapshots.list().map(({ id }) => id));
    this.archives = new ImageArchives({ images: this.images, content: this.content, snapshots: this.snapshots, events: this.events });
    this.remote = new RemoteImages({ images: this.images, content: this.content, snapshots: this.snapshots, registries: this.registries, packed: new PackedLayers(this.root, log), events: this.events });
  }

  load(path: string, ctx: OperationContext = quietContext): Promise<ImageRecord[]> {
    return this.images.loadArchive(createReadStream(path), ctx);
  }

  /** What there is on disk besides the empty store. */
  async left(): Promise<string[]> {
    const snapshots = await readdir(join(this.root, 'snapshots'));
    const blobs = await readdir(join(this.root, 'content/blobs/sha256'));
    const temp = await readdir(join(this.root, 'tmp/images')).catch(() => []);
    return [...snapshots, ...blobs, ...temp, ...this.content.entries.map(({ digest }) => digest)];
  }

  remove(): Promise<void> {
    this.snapshots.close();
    return rm(this.root, { recursive: true, force: true });
  }
}
