import { Buffer } from 'node:buffer';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { digestSchema } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import { decompressed } from '../host/tar/decompress.ts';
import { archiveEscapes, archiveInvalid, archiveUnsupported } from '../host/tar/errors.ts';
import { archiveMembers, sniff } from './archiveMembers.ts';
import type { ArchiveMember } from './archiveMembers.ts';
import { notAnImageArchive } from './errors.ts';
import type { ImageLayer } from './imageRecord.ts';
import type { LayerHolds } from './layerHolds.ts';
import type { Unpacker } from './unpacker.ts';

/** Manifests and configurations are small; nothing longer is taken for one. */
const MAX_DOCUMENT = 16 * 1024 * 1024;

/**
 * An archive of images, read in one go: layers are unpacked as they come by, whatever the order of the members, and documents
 * are kept. Names of the archive are only keys here; they never become paths.
 */
export class ImageArchive {
  readonly #documents = new Map<string, Buffer>();
  readonly #layers = new Map<string, ImageLayer>();
  readonly #failures = new Map<string, Error>();
  readonly #links = new Map<string, string>();
  /** Layers that have been read and are still being written. */
  readonly #unpacking: Array<Promise<void>> = [];
  /** Why the archive cannot be loaded, whatever else is in it. */
  #broken: Error | undefined;
  readonly #unpacker: Unpacker;
  readonly #holds: LayerHolds;
  readonly #ctx: OperationContext;

  private constructor(unpacker: Unpacker, holds: LayerHolds, ctx: OperationContext) {
    this.#unpacker = unpacker;
    this.#holds = holds;
    this.#ctx = ctx;
  }

  /** Reads a whole archive (plain, gzip or zstd). Its layers are held. */
  static async read(source: Readable, unpacker: Unpacker, holds: LayerHolds, ctx: OperationContext): Promise<ImageArchive> {
    const archive = new ImageArchive(unpacker, holds, ctx);
    try {
      for await (const member of archiveMembers(await decompressed(source))) {
        ctx.signal.throwIfAborted();
        if (archive.#broken !== undefined) break;
        await archive.#take(member);
      }
    } finally {
      source.destroy();
      await Promise.all(archive.#unpacking);
    }
    if (archive.#broken !== undefined) throw archive.#broken;
    return archive;
  }

  /** The document of this name, if there is one. */
  find(name: string): string | undefined {
    return this.#documents.get(this.#target(name))?.toString('utf8');
  }

  /** Throws NOT_AN_IMAGE_ARCHIVE. */
  document(name: string): Buffer {
    const found = this.#documents.get(this.#target(name));
    if (!found) throw this.#missing(name);
    return found;
  }

  /** A layer of the archive; one that was left out of it may be here. Throws NOT_AN_IMAGE_ARCHIVE. */
  layer(name: string): ImageLayer {
    const digest = layerDigest(name);
    const found = this.#layers.get(this.#target(name)) ?? (digest && this.#unpacker.known(digest, this.#holds));
    if (!found) throw this.#missing(name);
    return found;
  }

  hasLayer(name: string): boolean {
    const digest = layerDigest(name);
    return this.#layers.has(this.#target(name)) || (digest !== undefined && this.#unpacker.known(digest, this.#holds) !== undefined);
  }

  /** Why the archive has no list of images: it is broken, or it is something else. */
  noManifest(): Error {
    const [failure] = this.#failures.values();
    return failure ?? notAnImageArchive({ detail: 'it has neither manifest.json nor index.json' });
  }

  async #take({ entry, body }: ArchiveMember): Promise<void> {
    const name = posix.normalize(`/${entry.path}`).slice(1);
    if (entry.type === 'symlink') this.#links.set(name, posix.join('/', posix.dirname(name), entry.linkPath).slice(1));
    if (entry.type === 'hardlink') this.#links.set(name, posix.normalize(`/${entry.linkPath}`).slice(1));
    if (entry.type !== 'file') return;
    const known = layerDigest(name);
    const here = known && this.#unpacker.known(known, this.#holds);
    if (here) {
      this.#layers.set(name, here);
      return;
    }
    const { kind, content } = await sniff(body, entry.size);
    if (kind === 'document' && entry.size <= MAX_DOCUMENT) this.#documents.set(name, await whole(content));
    else if (kind === 'layer') await this.#unpack(name, content);
    else content.destroy();
  }

  /** Resolves once the member has been read: while it is still being written, the next ones are read. */
  async #unpack(name: string, content: Readable): Promise<void> {
    this.#ctx.report({ id: shortName(name), status: 'Loading layer' });
    const wasRead = new Promise<void>((resolve) => content.once('close', resolve));
    const work = this.#unpacker.unpack(content, this.#holds, this.#ctx.signal).then(
      (layer) => void this.#layers.set(name, layer),
      (error: unknown) => this.#failed(name, error),
    );
    this.#unpacking.push(work);
    await Promise.race([wasRead, work]);
  }

  /** A member that looks like a layer and is none matters only if an image names it. */
  #failed(name: string, error: unknown): void {
    if (archiveInvalid.is(error) || archiveUnsupported.is(error) || archiveEscapes.is(error)) this.#failures.set(name, error);
    else this.#broken ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Old archives give a layer that several images have once, and links to it. */
  #target(name: string): string {
    let target = posix.normalize(`/${name}`).slice(1);
    for (let hops = 0; hops < 10 && !this.#documents.has(target) && !this.#layers.has(target); hops += 1) target = this.#links.get(target) ?? target;
    return target;
  }

  #missing(name: string): Error {
    return this.#failures.get(this.#target(name)) ?? notAnImageArchive({ detail: `it names ${name}, which is not in it` });
  }
}

/** The diffID that a member's name gives away: `blobs/sha256/<hex>` of an uncompressed layer, `<hex>.tar`. */
function layerDigest(name: string): Digest | undefined {
  const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.tar)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : digestSchema.parse(`sha256:${hex}`);
}

function shortName(name: string): string {
  return (/[0-9a-f]{12,64}/.exec(name)?.[0] ?? name).slice(0, 12);
}

async function whole(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
