import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { member } from './tarball.ts';
import type { Member } from './tarball.ts';

export interface MadeLayer {
  /** The layer's tar, as it lies in the archive: plain or compressed. */
  readonly bytes: Buffer;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
}

/** The sha256 of bytes, with and without its name. */
export function digestHex(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** An archive as `docker save` writes it: layers, configuration, manifest.json. `extra` comes first. */
export function dockerArchive(image: { layers: readonly MadeLayer[]; tags?: readonly string[]; config?: object; extra?: ReadonlyArray<Member> }): { archive: Buffer; id: string } {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: '2024-01-01T00:00:00Z', config: {}, ...image.config, rootfs: { type: 'layers', diff_ids: image.layers.map(({ diffId }) => diffId) } }));
  const names = image.layers.map((_layer, index) => `${String(index).repeat(64)}/layer.tar`);
  const members: Member[] = [
    ...(image.extra ?? []),
    ...image.layers.map(({ bytes }, index) => ({ path: names[index] ?? '', content: bytes })),
    { path: `${digestHex(config)}.json`, content: config },
    { path: 'manifest.json', content: JSON.stringify([{ Config: `${digestHex(config)}.json`, RepoTags: image.tags ?? null, Layers: names }]) },
  ];
  return { archive: Buffer.concat([...members.map(member), Buffer.alloc(1024)]), id: `sha256:${digestHex(config)}` };
}

/** A layer of these uncompressed bytes. */
export function plainLayer(bytes: Buffer): MadeLayer {
  return { bytes, diffId: `sha256:${digestHex(bytes)}` };
}
