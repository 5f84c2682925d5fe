import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../content/digest.ts';
import { systemCode } from '../base/errors.ts';
import type { Platform } from '../base/platform.ts';
import { indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { start } from '../host/process.ts';
import { notAnImageArchive } from './errors.ts';
import { choosePlatform } from './platform.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * One image of an OCI layout on this host, as the archive of a layout that has only it, without a name. `ref`: a tag or digest of its
 * index; absent: the only image, or `latest`. Throws NOT_AN_IMAGE_ARCHIVE, PLATFORM_MISSING.
 */
export async function withLayoutArchive<T>(path: string, ref: string | undefined, platform: Platform, tempRoot: string, use: (archive: Readable) => Promise<T>): Promise<T> {
  const image = await chooseImage(path, ref, platform);
  const { config, layers } = manifestSchema.parse(await readBlob(path, image.digest));
  const temp = await mkdtemp(join(tempRoot, 'layout-'));
  try {
    await cp(join(path, 'oci-layout'), join(temp, 'oci-layout'));
    const { mediaType, digest, size } = image;
    await writeFile(join(temp, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size }] }));
    const blobs = [...new Set([image, config, ...layers].map((one) => blobPath(one.digest)))];
    const child = start('tar', ['-c', '-f', '-', '-C', temp, 'oci-layout', 'index.json', '-C', path, ...blobs], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      return await use(child.stdout as Readable);
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function chooseImage(path: string, ref: string | undefined, platform: Platform): Promise<Descriptor> {
  const { manifests } = indexSchema.parse(await readJson(join(path, 'index.json'), path));
  const named = manifests.filter((one) => one.digest === ref || one.annotations?.[REF_NAME] === (ref ?? 'latest'));
  const chosen = named[0] ?? (ref === undefined && manifests.length === 1 ? manifests[0] : undefined);
  if (!chosen) throw notAnImageArchive({ detail: `the layout ${path} has no image ${ref ?? 'latest'}` });
  if (chosen.mediaType !== mediaTypes.ociIndex && chosen.mediaType !== mediaTypes.dockerIndex) return chosen;
  return choosePlatform(indexSchema.parse(await readBlob(path, chosen.digest)).manifests, platform, path);
}

function readBlob(path: string, digest: Digest): Promise<unknown> {
  return readJson(join(path, blobPath(digest)), path);
}

async function readJson(file: string, layout: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw notAnImageArchive({ detail: systemCode(error) === 'ENOENT' ? `${layout} is no OCI layout: it has no ${file.slice(layout.length + 1)}` : `${file} cannot be read` }, { cause: error });
  }
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}
