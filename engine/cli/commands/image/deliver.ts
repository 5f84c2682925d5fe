import { resolve } from 'node:path';
import { stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { BuildEvent } from '../../../api/berth/build.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { followProgress } from '../../output/pullProgress.ts';
import { authHeaders } from '../../registry/credentials.ts';
import { writeArchive } from '../../streams/toFile.ts';
import { unpackTree } from '../../streams/unpackTree.ts';
import type { FileOutput } from './buildOutputs.ts';
import { splitReference } from './pull.ts';

export type Built = Pick<Extract<BuildEvent, { type: 'result' }>, 'imageId' | 'indexDigest' | 'exportId'>;

export interface Delivery {
  readonly files: readonly FileOutput[];
  readonly push: readonly string[];
  readonly descriptor: Readonly<Record<string, string>>;
  readonly cacheFolder?: { readonly dest: string; readonly tag: string };
  readonly quiet: boolean;
}

const auxSchema = z.looseObject({ Digest: z.string(), Size: z.number() });

/** An image as a registry has it now. */
export interface Pushed {
  readonly digest: string;
  readonly size: number;
}

/** What cannot be written is told before the build, not after it. */
export async function checkFiles(context: CliContext, files: readonly FileOutput[]): Promise<void> {
  for (const { kind, dest, folder } of files) {
    if (dest === '-') {
      if (context.stdout.isTTY) throw new Error(`dest file is required for ${kind === 'tree' ? 'tar' : kind} exporter. refusing to write to console`);
      continue;
    }
    const there = await stat(resolve(context.cwd, dest)).catch(() => undefined);
    if (folder && there && !there.isDirectory()) throw new Error(`destination ${dest} is a file, and the output is a folder`);
    if (!folder && there?.isDirectory()) throw new Error(`destination file ${dest} is a directory`);
  }
}

/** Brings what was built to where it was asked for: files and folders of this machine, a cache's folder, registries. Returns what was pushed. */
export async function deliver(context: CliContext, client: ApiClient, { imageId, exportId }: Built, delivery: Delivery): Promise<Pushed | undefined> {
  if (exportId !== undefined) {
    const path = `/berth/v1/build/exports/${exportId}`;
    try {
      for (const file of delivery.files) await fetchFile(context, client, path, file, delivery);
      if (delivery.cacheFolder) await fetchCache(context, client, path, delivery.cacheFolder);
    } finally {
      await client.send('DELETE', path).catch(() => undefined); // it ends by itself
    }
  }
  let pushed: Pushed | undefined;
  for (const name of delivery.push) pushed = await push(context, client, name, imageId, delivery.quiet);
  return pushed;
}

async function fetchFile(context: CliContext, client: ApiClient, path: string, file: FileOutput, { descriptor }: Delivery): Promise<void> {
  const wanted = file.kind === 'tree'
    ? { ...(file.folder ? { plain: true } : {}), ...(file.split === undefined ? {} : { split: file.split }) }
    : { name: file.names, ...(Object.keys(descriptor).length === 0 ? {} : { descriptor: JSON.stringify(descriptor) }) };
  const stream = await client.stream('GET', path, { query: { as: file.kind, ...wanted }, signal: context.signal });
  if (file.folder) await unpackTree(stream, resolve(context.cwd, file.dest), { signal: context.signal, ...(file.kind === 'tree' ? {} : { last: 'index.json' }) });
  else await writeArchive(context, stream, file.dest === '-' ? undefined : file.dest);
}

async function fetchCache(context: CliContext, client: ApiClient, path: string, { dest, tag }: { readonly dest: string; readonly tag: string }): Promise<void> {
  const stream = await client.stream('GET', path, { query: { as: 'cache', tag }, signal: context.signal });
  await unpackTree(stream, dest, { last: 'index.json', signal: context.signal });
}

async function push(context: CliContext, client: ApiClient, name: string, imageId: string, quiet: boolean): Promise<Pushed> {
  const { fromImage, tag } = splitReference(name);
  let pushed: Pushed | undefined;
  const options = { query: { tag: tag ?? 'latest' }, headers: await authHeaders(context.env, fromImage), signal: context.signal };
  await followProgress(client, 'POST', `/images/${fromImage}/push`, options, context.stderr, quiet, (line) => {
    const aux = auxSchema.safeParse(line['aux']);
    if (aux.success) pushed = { digest: aux.data.Digest, size: aux.data.Size };
  });
  if (!pushed) throw new Error(`The engine ended the push of ${imageId.slice(7, 19)} as ${name} without a result. See berth engine logs`);
  return pushed;
}

/** `--metadata-file`, with the names that buildx gives things. */
export async function writeMetadata(path: string, { imageId, indexDigest }: Built, names: readonly string[], pushed: Pushed | undefined): Promise<void> {
  const manifest = pushed && { 'containerimage.descriptor': { mediaType: indexDigest === undefined ? 'application/vnd.oci.image.manifest.v1+json' : 'application/vnd.oci.image.index.v1+json', digest: pushed.digest, size: pushed.size }, 'containerimage.digest': pushed.digest };
  const metadata = { 'containerimage.config.digest': imageId, ...(indexDigest === undefined ? {} : { 'containerimage.digest': indexDigest }), ...manifest, ...(names.length > 0 ? { 'image.name': names.join(',') } : {}) };
  await writeFile(path, `${JSON.stringify(metadata, undefined, 2)}\n`);
}
