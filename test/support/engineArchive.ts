import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { run } from '../../engine/host/process.ts';
import { archivesIn } from '../../engine/remote/install/archive.ts';
import type { Architecture, EngineArchive, EngineArchives } from '../../engine/remote/install/archive.ts';

const repository = resolve(import.meta.dirname, '../..');
const architecture = process.arch as Architecture;

/** The engine's archive for this machine, made by `npm run package:engine` when it is not there or when the engine changed. */
export async function packagedEngine(): Promise<EngineArchives> {
  await run(process.execPath, [join(repository, 'scripts/package-engine.mjs'), architecture, '--cached']);
  return archivesIn(join(repository, 'dist'));
}

/** Packs the engine anew, with the packages there are. */
export async function packageInto(folder: string): Promise<void> {
  await run(process.execPath, [join(repository, 'scripts/package-engine.mjs'), architecture, '--cached', `--output=${folder}`]);
}

/** Another version of an archive: the same contents by another digest. */
export async function otherVersion(archives: EngineArchives, version: string): Promise<EngineArchives> {
  const archive = await archives.archiveFor(architecture);
  // A gzip file may have several parts; these are empty.
  const tail = gzipSync(Buffer.alloc(0));
  const parts = Buffer.concat(Array.from({ length: Number(version) }, () => tail));
  const bytes = Buffer.concat([await readAll(archive.open(0)), parts]);
  return sending(archive, bytes);
}

/** These bytes in the place of an archive's. `claim`: what they are said to be. */
export function sending(archive: EngineArchive, bytes: Buffer, claim: { digest: string; size: number } = { digest: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }): EngineArchives {
  const changed: EngineArchive = { ...archive, ...claim, manifest: { ...archive.manifest, ...claim }, open: (offset) => Readable.from(offset < bytes.length ? [bytes.subarray(offset)] : []) };
  return { archiveFor: () => Promise.resolve(changed) };
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
