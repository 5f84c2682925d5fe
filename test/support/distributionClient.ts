import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { plainLayer } from './imageArchive.ts';
import { tarball } from './tarball.ts';

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
export const EMPTY = 'application/vnd.oci.empty.v1+json';

export type Algorithm = 'sha256' | 'sha512';

export const digestOf = (data: Buffer | string, algorithm: Algorithm = 'sha256'): string => `${algorithm}:${createHash(algorithm).update(data).digest('hex')}`;

export interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface Document {
  readonly body: string;
  readonly digest: string;
}

export function describe(mediaType: string, { body, digest }: Document): Described {
  return { mediaType, digest, size: Buffer.byteLength(body) };
}

/** Where an answer leads to. */
export function locationOf(response: Response, base: string): string {
  return new URL(response.headers.get('location') ?? assert.fail('no Location'), base).href;
}

export function withDigest(url: string, digest: string): string {
  const full = new URL(url);
  full.searchParams.set('digest', digest);
  return full.href;
}

/** The code of an error, in the specification's form. */
export async function code(response: Response): Promise<string | undefined> {
  return ((await response.json()) as { errors?: Array<{ code: string }> }).errors?.[0]?.code;
}

/** Speaks the OCI distribution API word by word, as no client does. `base`: the registry's address, once it is known. */
export class DistributionClient {
  readonly #base: () => string;

  constructor(base: () => string) {
    this.#base = base;
  }

  call = (method: string, path: string, body?: Buffer | string | ReadableStream, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(path.startsWith('http') ? path : `${this.#base()}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : body, duplex: 'half' as const }) });

  at = (response: Response): string => locationOf(response, this.#base());

  pushBlob = async (name: string, data: Buffer, algorithm: Algorithm = 'sha256'): Promise<{ digest: string; size: number }> => {
    const digest = digestOf(data, algorithm);
    const begun = await this.call('POST', `/v2/${name}/blobs/uploads/`);
    const done = await this.call('PUT', withDigest(this.at(begun), digest), data, { 'Content-Type': 'application/octet-stream' });
    assert.equal(done.status, 201, await done.clone().text());
    return { digest, size: data.length };
  };

  /** An image of one layer, whose blobs are pushed; the manifest is not. */
  image = async (name: string, text: string, extra: object = {}, algorithm: Algorithm = 'sha256'): Promise<Document> => {
    const layer = plainLayer(tarball([{ path: 'file', content: text }]));
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [layer.diffId] } }));
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await this.pushBlob(name, config, algorithm)) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await this.pushBlob(name, gzipSync(layer.bytes), algorithm)) }],
      ...extra,
    });
    return { body, digest: digestOf(body, algorithm) };
  };

  artifact = async (name: string, subject: object | undefined, artifactType: string | undefined, annotations: object = {}): Promise<Document> => {
    const config = { mediaType: EMPTY, ...(await this.pushBlob(name, Buffer.from('{}'))) };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, ...(artifactType === undefined ? {} : { artifactType }), config, layers: [{ ...config }], ...(subject ? { subject } : {}), annotations });
    return { body, digest: digestOf(body) };
  };

  index = (manifests: readonly object[], extra: object = {}, algorithm: Algorithm = 'sha256'): Document => {
    const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests, ...extra });
    return { body, digest: digestOf(body, algorithm) };
  };

  put = (name: string, reference: string, body: string, type = MANIFEST): Promise<Response> => this.call('PUT', `/v2/${name}/manifests/${reference}`, body, { 'Content-Type': type });
}
