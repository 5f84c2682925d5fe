import { badRequest } from '../../../base/errors.ts';
import { noSuchImage } from '../../../images/errors.ts';
import type { RemoteImages } from '../../../images/remoteImages.ts';
import { parseRegistryAuth } from '../../../registry/auth.ts';
import { parseReference } from '../../../registry/reference.ts';
import type { Reply, RequestContext } from '../../route.ts';
import { parseFilters } from './eventFilter.ts';
import { JsonProgress } from './jsonProgress.ts';

/** `POST /images/{name}/push`: one tag, or without `tag` all of the repository's. Progress as Docker words it; each tag ends with its digest. */
export async function pushImages(remote: RemoteImages, name: string, { query, headers, signal }: RequestContext, reply: Reply): Promise<void> {
  const given = parseReference(name);
  if (given.digest !== undefined) throw badRequest({ what: 'push', detail: `"${name}" names a digest; what is pushed has a tag` });
  const tag = query.get('tag') ?? given.tag ?? '';
  const refs = tag === '' ? remote.tagsHere(given.familiarName) : [`${given.familiarName}:${tag}`];
  if (refs.length === 0) throw noSuchImage({ ref: name });
  const credentials = parseRegistryAuth(headers['x-registry-auth']?.toString());
  const progress = new JsonProgress(reply);
  await progress.during(signal, async (ctx) => {
    for (const ref of refs) {
      const shown = ref.slice(ref.lastIndexOf(':') + 1);
      ctx.report({ status: `The push refers to repository [${given.domain}/${given.path}]` });
      const { digest, size } = await remote.push(ref, credentials ? { credentials } : {}, ctx);
      progress.line({ status: `${shown}: digest: ${digest} size: ${size}` });
      progress.line({ progressDetail: {}, aux: { Tag: shown, Digest: digest, Size: size } });
    }
  });
}

/** `GET /images/search`. */
export async function searchImages(remote: RemoteImages, { query, headers, signal }: RequestContext, reply: Reply): Promise<void> {
  const term = query.get('term') ?? '';
  const limit = Number(query.get('limit') || 25);
  if (term === '') throw badRequest({ what: 'term', detail: 'say what to look for' });
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw badRequest({ what: 'limit', detail: 'it must be between 1 and 100' });
  const { 'is-official': official, stars, ...unknown } = parseFilters(query.get('filters'));
  const [strange] = Object.keys(unknown).filter((key) => key !== 'is-automated');
  if (strange !== undefined) throw badRequest({ what: 'filters', detail: `unknown filter "${strange}"` });
  const found = await remote.search(term, limit, parseRegistryAuth(headers['x-registry-auth']?.toString()), signal);
  const shown = found.filter((one) => one.stars >= Number(stars?.[0] ?? 0) && (official === undefined || official.includes(String(one.official))));
  reply.json(200, shown.map((one) => ({ name: one.name, description: one.description, star_count: one.stars, is_official: one.official, is_automated: false })));
}
