import { join } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import type { ApiClient } from '../../../api/client.ts';
import { CleanupStack } from '../../../base/cleanup.ts';
import { sendContext } from '../../../remote/sync/sendContext.ts';
import { syncStateFolder } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { collect } from '../container/execIn.ts';
import { parseAnnotations } from './annotations.ts';
import { parseCaches } from './buildCaches.ts';
import { parseOutputs } from './buildOutputs.ts';
import type { OutputOptions } from './buildOutputs.ts';
import { isIndex, isOfSeveral } from './buildWider.ts';
import type { Delivery } from './deliver.ts';

export interface DeliveryOptions extends OutputOptions {
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  readonly annotation?: readonly string[];
  readonly quiet?: boolean;
}

/** The flags of `berth build` that say where its result goes, and where steps are taken from. */
export function addDeliveryFlags(command: Command): Command {
  return command
    .option('-o, --output <spec>', 'where the result goes: a folder for its files, - for a tar, or type=local|tar|oci|docker|image|registry[,dest=PATH][,name=NAME][,push=true][,tar=false]; may be repeated', collect)
    .option('--push', 'push the image: --output type=registry')
    .option('--load', 'keep the image in the engine: --output type=docker (what happens without --output)')
    .addOption(new Option('--cache-from <spec>', 'take steps from a cache: the name of an image, or type=registry,ref=NAME or type=local,src=FOLDER; may be repeated').argParser(collect))
    .addOption(new Option('--cache-to <spec>', 'keep the steps for others: type=inline (in the image), type=registry,ref=NAME or type=local,dest=FOLDER; mode=max: of all stages; may be repeated').argParser(collect))
    .option('--annotation <[type:]key=value>', "an annotation of the image's manifest, or of index, manifest-descriptor, index-descriptor, manifest[linux/arm64]; may be repeated", collect);
}

/** What is asked of the engine, and what becomes of its answer. `wider`: what is built. Throws for what makes no sense, before anything is. */
export function planDelivery(context: CliContext, options: DeliveryOptions, wider: Pick<BuildRequestBody, 'platforms' | 'attest'>): { readonly request: Partial<BuildRequestBody>; readonly delivery: Delivery; readonly names: readonly string[] } {
  const outputs = parseOutputs(options);
  const caches = parseCaches(options.cacheFrom ?? [], options.cacheTo ?? [], context.cwd);
  const { request, descriptor } = parseAnnotations(options.annotation ?? [], isIndex(wider));
  const annotations = { ...request, ...(Object.keys(outputs.annotations).length > 0 ? { manifest: { ...outputs.annotations, ...request.manifest } } : {}) };
  if (isOfSeveral(wider) && outputs.files.some((file) => file.kind === 'tree' && file.split === false)) throw new Error('platform-split=false: the files of several platforms have the same paths, so each needs a folder of its own');
  const files = outputs.files.length > 0 || caches.folder !== undefined;
  return {
    names: outputs.names,
    request: {
      ...(outputs.names.length > 0 ? { tags: [...outputs.names] } : {}),
      ...(caches.from.length > 0 ? { cacheFrom: [...caches.from] } : {}),
      ...(caches.to.length > 0 ? { cacheTo: [...caches.to] } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(files || !outputs.image ? { keep: { image: outputs.image, files } } : {}),
    },
    delivery: { files: outputs.files, push: outputs.push, descriptor, quiet: options.quiet ?? false, ...(caches.folder ? { cacheFolder: caches.folder } : {}) },
  };
}

/** Caches in folders of this machine, for an engine on another one: what it does not have of them is sent. */
export async function sendCaches(context: CliContext, client: ApiClient, from: BuildRequestBody['cacheFrom']): Promise<AsyncDisposable & { readonly cacheFrom: BuildRequestBody['cacheFrom'] }> {
  await using cleanup = new CleanupStack();
  const sources: NonNullable<BuildRequestBody['cacheFrom']> = [];
  for (const source of from ?? []) {
    if (source.type !== 'local') {
      sources.push(source);
      continue;
    }
    const sent = await sendContext({ client, folder: source.folder, stateFolder: join(syncStateFolder(context.env), 'contexts'), signal: context.signal });
    cleanup.defer(async () => sent[Symbol.asyncDispose]());
    sources.push({ ...source, folder: sent.path });
  }
  const kept = cleanup.move();
  return { cacheFrom: sources, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}
