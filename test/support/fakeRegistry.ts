import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestHex } from './imageArchive.ts';
import type { MadeLayer } from './imageArchive.ts';

export interface FakeImage {
  readonly layers: readonly MadeLayer[];
  /** `linux/amd64`; several images with platforms make an index. */
  readonly platform?: string;
}

/** What a misbehaving registry does instead of answering; false: answer. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean;

/** A registry that serves one repository `app:1` from memory (also below `/elsewhere`), and misbehaves as a test wants it to. */
export class FakeRegistry {
  readonly host: string;
  /** Paths that were asked for. */
  readonly requests: string[] = [];
  misbehave: Misbehaviour = () => false;
  readonly #objects = new Map<string, { type: string; body: Buffer }>();
  readonly #close: () => void;

  private constructor(host: string, close: () => void) {
    this.host = host;
    this.#close = close;
  }

  static async start(images: readonly FakeImage[]): Promise<FakeRegistry> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const registry = new FakeRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`, () => {
      server.closeAllConnections();
      server.close();
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => registry.#answer(request, response));
    registry.#publish(images);
    return registry;
  }

  close(): void {
    this.#close();
  }

  #publish(images: readonly FakeImage[]): void {
    const manifests = images.map(({ layers, platform }) => {
      const [os = 'linux', architecture = 'amd64'] = (platform ?? 'linux/amd64').split('/');
      const config = this.#add('blobs', 'application/vnd.oci.image.config.v1+json', { os, architecture, config: {}, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) } });
      const descriptors = layers.map(({ bytes }) => this.#add('blobs', 'application/vnd.oci.image.layer.v1.tar', bytes));
      const manifest = this.#add('manifests', 'application/vnd.oci.image.manifest.v1+json', { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: descriptors });
      return platform === undefined ? manifest : { ...manifest, platform: { os, architecture } };
    });
    const [first] = manifests;
    const top = images.some(({ platform }) => platform !== undefined) ? this.#add('manifests', 'application/vnd.oci.image.index.v1+json', { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }) : first;
    const object = this.#objects.get(`/v2/app/manifests/${top?.digest ?? ''}`);
    if (object) this.#objects.set('/v2/app/manifests/1', object);
  }

  #add(kind: string, mediaType: string, value: object | Buffer): { mediaType: string; digest: string; size: number } {
    const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
    const digest = `sha256:${digestHex(body)}`;
    this.#objects.set(`/v2/app/${kind}/${digest}`, { type: kind === 'manifests' ? mediaType : 'application/octet-stream', body });
    return { mediaType, digest, size: body.length };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?')[0] ?? '';
    this.requests.push(path);
    const object = this.#objects.get(path.replace(/^\/elsewhere/, ''));
    if (this.misbehave(request, response, object?.body ?? Buffer.alloc(0))) return;
    if (!object) {
      response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
      return;
    }
    response.writeHead(200, { 'Content-Type': object.type, 'Content-Length': object.body.length }).end(object.body);
  }
}
