import { pipeline } from 'node:stream/promises';
import { exportQuerySchema } from '../../../api/berth/buildExport.ts';
import { badRequest } from '../../../base/errors.ts';
import type { BuildService } from '../../../build/buildService.ts';
import type { BuildExport } from '../../../build/exports.ts';
import type { ImageArchives } from '../../../images/imageArchives.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

const PATH = '/berth/v1/build/exports/:id';

/** What builds made, as files: `GET` streams a tar of it, `DELETE` gives it up. */
export function buildExportRoutes(builds: Pick<BuildService, 'exports' | 'exportTree'>, archives: ImageArchives): Route[] {
  return [
    { method: 'GET', path: PATH, handle: (context, reply) => builds.exports.use(context.params['id'] ?? '', (result) => send(builds, archives, result, context, reply)) },
    {
      method: 'DELETE',
      path: PATH,
      handle: async ({ params }, reply) => {
        await builds.exports.remove(params['id'] ?? '');
        reply.empty(204);
      },
    },
  ];
}

async function send(builds: Pick<BuildService, 'exportTree'>, archives: ImageArchives, result: BuildExport, { query, signal }: RequestContext, reply: Reply): Promise<void> {
  const asked = exportQuerySchema.safeParse({ as: query.get('as') ?? undefined, names: query.getAll('name'), plain: query.get('plain') ?? undefined, split: query.get('split') ?? undefined, tag: query.get('tag') ?? undefined, descriptor: query.get('descriptor') ?? undefined });
  if (!asked.success) throw badRequest({ what: 'as', detail: 'expected tree, docker, oci or cache' });
  const { as, names, plain, split, tag, descriptor } = asked.data;
  if (as === 'tree') return builds.exportTree(result, { plain, split }, () => reply.stream(200, 'application/x-tar'), signal);
  if (as === 'cache' && !result.cache) throw badRequest({ what: 'as', detail: 'this build was not asked for a cache' });
  const archive = as === 'cache'
    ? await archives.exportCache(result.cache?.records ?? [], (result.cache?.layers ?? []).flatMap((layer) => ('snapshotId' in layer ? [layer.snapshotId] : [])), tag)
    : result.index
      ? await archives.exportIndex(result.index.digest, names, descriptor ?? {}, as)
      : await archives.exportImage({ config: result.config, layers: result.layers, tags: names, annotations: { manifest: result.annotations, descriptor } }, as);
  await pipeline(archive, reply.stream(200, 'application/x-tar'), { signal });
}
