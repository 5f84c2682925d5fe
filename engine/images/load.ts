import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { OperationContext } from '../base/context.ts';
import { digestOf } from '../content/contentStore.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema, indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor, Digest, ImageConfig, Manifest } from '../content/oci.ts';
import { decompressed } from '../host/tar/decompress.ts';
import { unpackLayer } from '../host/tar/unpackLayer.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import { notAnImageArchive } from './errors.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';
import type { Unpacker } from './unpacker.ts';

export interface LoadParts {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly unpacker: Unpacker;
  /** A folder of the engine's for what must be read twice; emptied at engine start. */
  readonly tempRoot: string;
}

const dockerManifestSchema = z.array(z.looseObject({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }));

/** Loads what `docker save` or an OCI tool wrote (plain, gzip or zstd). Returns the images, each with the names it got. */
export async function loadImages(parts: LoadParts, source: Readable, ctx: OperationContext): Promise<ImageRecord[]> {
  await mkdir(parts.tempRoot, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parts.tempRoot, 'load-'));
  try {
    await unpackLayer(await decompressed(source), folder, { signal: ctx.signal });
    const archive = new Archive(folder);
    const manifest = await archive.text('manifest.json');
    if (manifest !== undefined) return await loadDocker(parts, archive, manifest, ctx);
    const index = await archive.text('index.json');
    if (index !== undefined) return await loadOci(parts, archive, index, ctx);
    throw notAnImageArchive({ detail: 'it has neither manifest.json nor index.json' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The unpacked archive. Names in it come from the archive: they are held to its folder. */
class Archive {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async text(name: string): Promise<string | undefined> {
    return this.#path(name).then((path) => readFile(path, 'utf8')).catch((error: unknown) => {
      if (notAnImageArchive.is(error)) throw error;
      return undefined;
    });
  }

  async required(name: string): Promise<Buffer> {
    return this.#path(name).then((path) => readFile(path)).catch((error: unknown) => {
      if (notAnImageArchive.is(error)) throw error;
      throw notAnImageArchive({ detail: `it names ${name}, which is not in it` }, { cause: error });
    });
  }

  async open(name: string): Promise<Readable> {
    return createReadStream(await this.#path(name), { highWaterMark: 1024 * 1024 });
  }

  blob(digest: Digest): string {
    return `blobs/${digest.replace(':', '/')}`;
  }

  /** Where a name leads, links resolved: docker save writes links between its own layers, and none may lead elsewhere. */
  async #path(name: string): Promise<string> {
    const path = await realpath(join(this.#folder, name)).catch((error: unknown) => {
      if (name === 'manifest.json' || name === 'index.json') throw error;
      throw notAnImageArchive({ detail: `it names ${name}, which is not in it` }, { cause: error });
    });
    if (!path.startsWith(`${await realpath(this.#folder)}/`)) throw notAnImageArchive({ detail: `it names "${name}", which leads out of it` });
    return path;
  }
}

async function loadDocker(parts: LoadParts, archive: Archive, text: string, ctx: OperationContext): Promise<ImageRecord[]> {
  const images: ImageRecord[] = [];
  for (const entry of parse(dockerManifestSchema, text, 'manifest.json')) {
    const config = await archive.required(entry.Config);
    const parsed = parse(imageConfigSchema, config.toString('utf8'), entry.Config);
    if (parsed.rootfs.diff_ids.length !== entry.Layers.length) throw notAnImageArchive({ detail: `${entry.Config} has ${parsed.rootfs.diff_ids.length} layers, manifest.json ${entry.Layers.length}` });
    images.push(await loadOne(parts, { config, parsed, open: (index) => archive.open(entry.Layers[index] ?? ''), tags: entry.RepoTags ?? [] }, ctx));
  }
  return images;
}

async function loadOci(parts: LoadParts, archive: Archive, text: string, ctx: OperationContext): Promise<ImageRecord[]> {
  const images: ImageRecord[] = [];
  for (const descriptor of await imageManifests(archive, parse(indexSchema, text, 'index.json').manifests)) {
    const manifest: Manifest = parse(manifestSchema, (await archive.required(archive.blob(descriptor.digest))).toString('utf8'), descriptor.digest);
    const config = await archive.required(archive.blob(manifest.config.digest));
    const parsed = parse(imageConfigSchema, config.toString('utf8'), manifest.config.digest);
    const open = (index: number): Promise<Readable> => archive.open(archive.blob(manifest.layers[index]?.digest ?? ''));
    images.push(await loadOne(parts, { config, parsed, open, tags: namesOf(descriptor) }, ctx));
  }
  return images;
}

/** Manifests for this platform, indexes opened; names of an index go to what it holds. */
async function imageManifests(archive: Archive, descriptors: readonly Descriptor[]): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for (const descriptor of descriptors) {
    if (descriptor.mediaType !== mediaTypes.ociIndex && descriptor.mediaType !== mediaTypes.dockerIndex) found.push(descriptor);
    else {
      const inner = parse(indexSchema, (await archive.required(archive.blob(descriptor.digest))).toString('utf8'), descriptor.digest);
      found.push(...inner.manifests.filter(({ platform }) => platform === undefined || platform.os === 'linux').slice(0, 1).map((one) => ({ ...one, annotations: descriptor.annotations })));
    }
  }
  return found;
}

function namesOf({ annotations }: Descriptor): string[] {
  const full = annotations?.['io.containerd.image.name'];
  const short = annotations?.['org.opencontainers.image.ref.name'];
  const name = full ?? (short !== undefined && /[:/]/.test(short) ? short : undefined);
  return name === undefined ? [] : [name];
}

interface Loading {
  readonly config: Buffer;
  readonly parsed: ImageConfig;
  readonly open: (index: number) => Promise<Readable>;
  readonly tags: readonly string[];
}

async function loadOne(parts: LoadParts, { config, parsed, open, tags }: Loading, ctx: OperationContext): Promise<ImageRecord> {
  const holds: Array<() => void> = [];
  try {
    const descriptors: Descriptor[] = [];
    for (const [index, diffId] of parsed.rootfs.diff_ids.entries()) {
      ctx.report({ id: diffId.slice(7, 19), status: 'Loading layer' });
      const layer = await parts.unpacker.layer(diffId, () => open(index), ctx.signal);
      holds.push(parts.unpacker.hold(layer.snapshotId));
      const { size } = await parts.unpacker.identify(layer.snapshotId);
      descriptors.push({ mediaType: mediaTypes.ociLayer, digest: diffId, size });
    }
    return await recordImage(parts, config, descriptors, tags.map((tag) => familiarTag(parseReference(tag))));
  } finally {
    for (const release of holds) release();
  }
}

/** Writes configuration and manifest of an image whose layers are here, and names it. */
export async function recordImage(parts: Pick<LoadParts, 'content' | 'store'>, config: Buffer, layers: readonly Descriptor[], tags: readonly string[]): Promise<ImageRecord> {
  const { digest, size } = await parts.content.put(config);
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: { mediaType: mediaTypes.ociConfig, digest, size }, layers }));
  await parts.content.put(manifest);
  return parts.store.add({ manifest: { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length }, tags });
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw notAnImageArchive({ detail: `${where} is not what it should be` }, { cause: error });
  }
}
