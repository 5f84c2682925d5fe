import { z } from 'zod';
import type { ImageDeleteItem, ImagePruneResult, ManifestSummary } from '../../../api/docker/image.ts';
import { badRequest } from '../../../base/errors.ts';
import type { Platform } from '../../../base/platform.ts';
import { filterImages } from '../../../images/filters.ts';
import { imageHistory } from '../../../images/history.ts';
import type { ImageArchives } from '../../../images/imageArchives.ts';
import type { ImageRecord } from '../../../images/imageRecord.ts';
import type { ImageService } from '../../../images/imageService.ts';
import type { RemovedImage } from '../../../images/removeImage.ts';
import type { RemoteImages } from '../../../images/remoteImages.ts';
import { pruneImages } from '../../../images/prune.ts';
import { toManifests } from '../../../images/manifestsView.ts';
import { toInspect, toSummary } from '../../../images/views.ts';
import type { SnapshotStore } from '../../../snapshots/types.ts';
import { compareApiVersions } from '../../apiVersion.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { parseFilters } from './eventFilter.ts';
import { splitImagePath } from './imageName.ts';
import { pushImages, searchImages } from './imagePush.ts';
import { createImage, describeRemote, loadImages, readPlatform, sendArchive } from './imageTransfer.ts';

/** What the routes of images stand on. */
export interface ImageRouteParts {
  readonly images: ImageService;
  readonly archives: ImageArchives;
  readonly remote: RemoteImages;
  readonly snapshots: SnapshotStore;
  /** What only clients of `berth registry serve` have brought and nothing names. */
  readonly sweepServed: () => Promise<number>;
}

/** `/images…` and `/distribution/{name}/json`. */
export function imageRoutes(parts: ImageRouteParts): Route[] {
  const { images, archives, remote } = parts;
  return [
    { method: 'GET', path: '/images/json', handle: (context, reply) => reply.json(200, list(images, context)) },
    { method: 'GET', path: '/images/search', handle: (context, reply) => searchImages(remote, context, reply) },
    { method: 'GET', path: '/images/get', handle: (context, reply) => sendArchive(archives, context.query.getAll('names').flatMap((names) => names.split(',')), reply) },
    { method: 'GET', path: '/images/*', handle: (context, reply) => show(parts, context, reply) },
    { method: 'POST', path: '/images/create', handle: (context, reply) => createImage(images, archives, context, reply) },
    { method: 'POST', path: '/images/load', handle: (context, reply) => loadImages(images, context, reply) },
    { method: 'POST', path: '/images/prune', handle: async (context, reply) => reply.json(200, await prune(parts, context)) },
    { method: 'POST', path: '/images/*', handle: (context, reply) => change(parts, context, reply) },
    { method: 'DELETE', path: '/images/*', handle: (context, reply) => remove(images, context, reply) },
    { method: 'GET', path: '/distribution/*', handle: (context, reply) => describeRemote(remote, splitImagePath(context, ['json']).name, context, reply) },
  ];
}

async function show({ images, archives, snapshots }: ImageRouteParts, context: RequestContext, reply: Reply): Promise<void> {
  const { name, action } = splitImagePath(context, ['json', 'history', 'get']);
  if (action === 'get') return sendArchive(archives, [name], reply);
  const platform = queryPlatform(context.query.get('platform'));
  const image = platform ? images.resolveFor(name, platform) : images.resolve(name);
  if (action === 'history') return reply.json(200, imageHistory(image, (id) => snapshots.get(id)?.size ?? 0));
  const { VirtualSize, ...shown } = toInspect(image, (id) => snapshots.lowerDir(id));
  reply.json(200, { ...shown, ...manifestsOf(image, context), ...(isBefore(context, '1.44') ? { VirtualSize } : {}) });
}

async function change({ images, remote }: ImageRouteParts, context: RequestContext, reply: Reply): Promise<void> {
  const { name, action } = splitImagePath(context, ['tag', 'push']);
  if (action === 'push') return pushImages(remote, name, context, reply);
  const repo = context.query.get('repo') ?? '';
  if (repo === '') throw badRequest({ what: 'repo', detail: 'the new name is missing' });
  const tag = context.query.get('tag') ?? '';
  await images.tag(name, tag === '' ? repo : `${repo}:${tag}`);
  reply.empty(201);
}

function list(images: ImageService, context: RequestContext): object[] {
  const shown = filterImages(images.list(), parseFilters(context.query.get('filters')), (ref) => images.resolve(ref));
  return shown
    .sort((a, b) => Date.parse(b.created) - Date.parse(a.created))
    .map((image) => ({ ...toSummary(image), ...manifestsOf(image, context) }))
    .map((image) => (isBefore(context, '1.43') ? { ...image, ...namesOfOld(image) } : image))
    .map((image) => (isBefore(context, '1.44') ? { ...image, VirtualSize: image.Size } : image));
}

function manifestsOf({ index }: ImageRecord, { query }: RequestContext): { Manifests?: ManifestSummary[] } {
  return index && isTrue(query.get('manifests')) ? { Manifests: toManifests(index) } : {};
}

/** `linux/arm64`, or as newer clients send it: `{"os":"linux","architecture":"arm64"}`. */
function queryPlatform(text: string | null): Platform | undefined {
  if (text === null || !text.startsWith('{')) return readPlatform(text);
  const { os = 'linux', architecture = '', variant } = z.looseObject({ os: z.string().optional(), architecture: z.string().optional(), variant: z.string().optional() }).parse(JSON.parse(text));
  return readPlatform([os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/'));
}

/** Clients before 1.43 expect nameless images to be called so. */
function namesOfOld({ RepoTags, RepoDigests }: { RepoTags: string[] | null; RepoDigests: string[] | null }): { RepoTags: string[]; RepoDigests: string[] } {
  const isNamed = (RepoTags?.length ?? 0) > 0;
  return { RepoTags: isNamed ? (RepoTags ?? []) : ['<none>:<none>'], RepoDigests: RepoDigests?.length ? RepoDigests : isNamed ? [] : ['<none>@<none>'] };
}

async function remove(images: ImageService, { params, query }: RequestContext, reply: Reply): Promise<void> {
  const removed = await images.remove(params['*'] ?? '', { force: isTrue(query.get('force')) });
  reply.json(200, removed.map(toDeleteItem));
}

function toDeleteItem({ untagged, deleted }: RemovedImage): ImageDeleteItem {
  return untagged === undefined ? { Deleted: deleted } : { Untagged: untagged };
}

async function prune({ images, snapshots, sweepServed }: ImageRouteParts, { query }: RequestContext): Promise<ImagePruneResult> {
  const { dangling = ['true'], ...filters } = parseFilters(query.get('filters'));
  const { removed, freed } = await pruneImages(images, snapshots, { all: !dangling.every(isTrue), filters });
  const left = (await images.dropInterrupted()) + (await sweepServed());
  return { ImagesDeleted: removed.length === 0 ? null : removed.map(toDeleteItem), SpaceReclaimed: freed + left };
}

function isBefore({ apiVersion }: RequestContext, version: string): boolean {
  return compareApiVersions(apiVersion, version) < 0;
}

function isTrue(value: string | null): boolean {
  return value === '1' || value?.toLowerCase() === 'true';
}
