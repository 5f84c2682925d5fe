import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { bootstrapRequestSchema, layerListSchema } from '../../../api/berth/image.ts';
import { asBerthError, badRequest } from '../../../base/errors.ts';
import { diffImages } from '../../../images/diffImages.ts';
import type { ImageService } from '../../../images/imageService.ts';
import type { ImageArchives } from '../../../images/imageArchives.ts';
import type { FileSnapshotStore } from '../../../snapshots/fileSnapshotStore.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { readPlatform } from '../docker/imageTransfer.ts';
import { toDockerProgress } from '../docker/jsonProgress.ts';

/** `POST /berth/v1/images/bootstrap`: makes a base image from packages; streams progress, the last line is the image's id or the error. The others carry images between engines. */
export function berthImageRoutes(images: ImageService, archives: ImageArchives, snapshots: FileSnapshotStore): Route[] {
  return [
    {
      method: 'POST',
      path: '/berth/v1/images/layers',
      handle: async (context, reply) => reply.json(200, { layers: images.presentLayers((await context.json(layerListSchema)).layers) }),
    },
    {
      method: 'GET',
      path: '/berth/v1/images/diff',
      handle: async ({ query, signal }, reply) => reply.json(200, await diffImages(snapshots, images.resolve(query.get('from') ?? ''), images.resolve(query.get('to') ?? ''), signal)),
    },
    { method: 'GET', path: '/berth/v1/images/sbom', handle: async ({ query, signal }, reply) => reply.json(200, await images.sbom(query.get('name') ?? '', readPlatform(query.get('platform')), signal)) },
    { method: 'GET', path: '/berth/v1/images/archive', handle: (context, reply) => sendMissing(archives, context, reply) },
    {
      method: 'POST',
      path: '/berth/v1/images/bootstrap',
      handle: async (context, reply) => {
        const { image } = await context.json(bootstrapRequestSchema);
        const out = reply.stream(200, 'application/json');
        const line = (value: object): void => void out.write(`${JSON.stringify(value)}\n`);
        try {
          const { id } = await images.bootstrap(image, { signal: context.signal, report: (progress) => line(toDockerProgress(progress)) });
          line({ id });
        } catch (error) {
          const { message, code, params } = asBerthError(error);
          line({ error: { message, code, params } });
        }
        out.end();
      },
    },
  ];
}

/** An image as `docker save` gives it, but for the layers that the reader has, and compressed: it goes over a wire. */
async function sendMissing(archives: ImageArchives, { query }: RequestContext, reply: Reply): Promise<void> {
  const without = layerListSchema.safeParse({ layers: query.getAll('without') });
  if (!without.success) throw badRequest({ what: 'without', detail: 'expected digests, sha256:…' });
  const archive = await archives.save(query.getAll('name'), new Set(without.data.layers));
  await pipeline(archive, createZstdCompress(), reply.stream(200, 'application/zstd'));
}
