import { z } from 'zod';
import type { Digest } from '../content/digest.ts';
import { descriptorSchema } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { registryDocumentInvalid, registryImageUnknown, registryRefused } from './errors.ts';
import { HUB } from './registries.ts';
import { MAX_DOCUMENT } from './registryClient.ts';
import type { RegistrySession } from './session.ts';
import { document } from './transport.ts';
import type { RegistryResponse } from './transport.ts';

const tagListSchema = z.looseObject({ tags: z.array(z.string()).nullish() });
const catalogSchema = z.looseObject({ repositories: z.array(z.string()) });
const referrersSchema = z.looseObject({ manifests: z.array(z.looseObject({ ...descriptorSchema.shape, artifactType: z.string().optional() })) });
const searchSchema = z.looseObject({
  results: z.array(z.looseObject({ name: z.string(), description: z.string().nullish(), star_count: z.number().optional(), is_official: z.boolean().optional(), is_automated: z.boolean().optional() })),
});

/** What `docker search` shows. */
export interface FoundRepository {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
}

/** Pages that are followed at most: a list that never ends is none. */
const MOST_PAGES = 1000;

/** The tags of a repository, all pages of the list. */
export async function listTags(session: RegistrySession, repository: string, signal: AbortSignal): Promise<string[]> {
  const tags: string[] = [];
  for await (const page of pages(session, `/v2/${repository}/tags/list?n=1000`, signal, repository)) tags.push(...(parse(tagListSchema, page, repository, 'the list of tags').tags ?? []));
  return tags.sort();
}

/** The manifests that refer to this one: signatures, descriptions of contents and so on. A registry without the API keeps them under a tag. */
export async function listReferrers(session: RegistrySession, repository: string, digest: Digest, signal: AbortSignal, artifactType?: string): Promise<Descriptor[]> {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const response = await session.request({ method: 'GET', path: `/v2/${repository}/referrers/${digest}${query}`, signal, expected: [404] });
  const found = response.status === 404 ? await byTag(session, repository, digest, response, signal) : response;
  if (!found) return [];
  const { manifests } = parse(referrersSchema, await document(found, MAX_DOCUMENT, signal), repository, 'the list of referrers');
  return artifactType === undefined ? manifests : manifests.filter((one) => one.artifactType === artifactType);
}

async function byTag(session: RegistrySession, repository: string, digest: Digest, missed: RegistryResponse, signal: AbortSignal): Promise<RegistryResponse | undefined> {
  missed.body.resume();
  const response = await session.request({ method: 'GET', path: `/v2/${repository}/manifests/${digest.replace(':', '-')}`, headers: { Accept: 'application/vnd.oci.image.index.v1+json' }, signal, expected: [404] });
  if (response.status !== 404) return response;
  response.body.resume();
  return undefined;
}

/** Repositories whose name or description has the term: by the search that Docker Hub has, else among all that the registry lists. */
export async function searchRegistry(session: RegistrySession, domain: string, term: string, limit: number, signal: AbortSignal): Promise<FoundRepository[]> {
  const path = `/v1/search?q=${encodeURIComponent(term)}&n=${limit}`;
  const response = await session.request({ method: 'GET', path: domain === HUB ? new URL(`https://index.docker.io${path}`) : path, signal, expected: [401, 403, 404, 405] });
  if (response.status === 200) {
    const { results } = parse(searchSchema, await document(response, MAX_DOCUMENT, signal), domain, 'the result of the search');
    return results.slice(0, limit).map((one) => ({ name: one.name, description: one.description ?? '', stars: one.star_count ?? 0, official: one.is_official ?? false }));
  }
  response.body.resume();
  const found: FoundRepository[] = [];
  for await (const page of pages(session, '/v2/_catalog?n=1000', signal, '', ['registry:catalog:*'])) {
    for (const name of parse(catalogSchema, page, domain, 'the list of repositories').repositories) if (name.includes(term)) found.push({ name: `${domain}/${name}`, description: '', stars: 0, official: false });
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/** The pages of a list, by the `Link` of each. */
async function* pages(session: RegistrySession, first: string, signal: AbortSignal, repository: string, scopes: readonly string[] = []): AsyncGenerator<Buffer> {
  let next: string | URL | undefined = first;
  for (let count = 0; next !== undefined; count += 1) {
    if (count >= MOST_PAGES) throw registryRefused({ host: session.host, status: 200, detail: `its list goes on after ${MOST_PAGES} pages` });
    const response = await session.request({ method: 'GET', path: next, signal, expected: [404], scopes });
    if (response.status === 404) {
      response.body.resume();
      throw registryImageUnknown({ host: session.host, reference: repository });
    }
    yield await document(response, MAX_DOCUMENT, signal);
    const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers['link'] ?? ''))?.[1];
    next = link === undefined ? undefined : new URL(link, response.url);
  }
}

function parse<T>(schema: z.ZodType<T>, body: Buffer, reference: string, what: string): T {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw registryDocumentInvalid({ reference, what, detail: 'it is not what the OCI distribution specification says' }, { cause: error });
  }
}
