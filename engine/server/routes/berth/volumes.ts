import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { badRequest } from '../../../base/errors.ts';
import type { VolumeService } from '../../../volumes/volumeService.ts';
import type { Route } from '../../route.ts';
import { toResource } from '../docker/volumes.ts';

/** `GET` and `PUT /berth/v1/volumes/:name/archive`: a volume's files as a tar, out and in (`replace=1`: whatever it holds; `label=key=value` for a new one). */
export function volumeArchiveRoutes(service: VolumeService): Route[] {
  return [
    {
      method: 'GET',
      path: '/berth/v1/volumes/:name/archive',
      handle: ({ params, signal }, reply) => service.export(params['name'] ?? '', () => reply.stream(200, 'application/x-tar'), signal),
    },
    {
      method: 'PUT',
      path: '/berth/v1/volumes/:name/archive',
      handle: async ({ params, query, body, signal }, reply) => {
        const labels = Object.fromEntries(query.getAll('label').map(labelOf));
        const archive = body.pipe(new PassThrough());
        try {
          reply.json(200, toResource(await service.import(params['name'] ?? '', archive, { replace: query.get('replace') === '1', labels }, signal)));
        } catch (error) {
          await drained(body, archive, signal);
          throw error;
        }
      },
    },
  ];
}

/** Reads a body to its end: a client that is still writing when the connection closes would never see the answer. */
async function drained(body: NodeJS.ReadableStream, archive: PassThrough, signal: AbortSignal): Promise<void> {
  body.unpipe(archive);
  body.resume();
  await finished(body, { signal }).catch(() => undefined);
}

function labelOf(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  if (name === '') throw badRequest({ what: 'label', detail: `"${text}" has no name` });
  return [name, value.join('=')];
}
