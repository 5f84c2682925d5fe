import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { defineError, systemCode } from '../../base/errors.ts';

const hexDigest = z.string().regex(/^[0-9a-f]{64}$/);

/** What `npm run package:engine` writes beside an archive. */
const manifestSchema = z.looseObject({
  format: z.literal(1),
  version: z.string(),
  architecture: z.enum(['x64', 'arm64']),
  /** The file name of the loader in the archive's `lib`. */
  loader: z.string().regex(/^ld-linux[\w.-]*$/),
  /** sha256 of the archive; names the installation. */
  digest: hexDigest,
  size: z.number().int(),
  unpackedSize: z.number().int(),
  unpacker: z.object({ digest: hexDigest, size: z.number().int() }),
  /** Versions by package. */
  versions: z.record(z.string(), z.string()),
});
export type EngineManifest = z.infer<typeof manifestSchema>;
export type Architecture = EngineManifest['architecture'];

/** Bytes to carry to a host. */
export interface Cargo {
  readonly digest: string;
  readonly size: number;
  /** From `offset` to the end. */
  open(offset: number): Readable;
}

/** The engine for one architecture, packed: `tar.gz`, and a static program that unpacks it where the host has none. */
export interface EngineArchive extends Cargo {
  readonly manifest: EngineManifest;
  readonly unpacker: Cargo;
}

/** Where archives come from: asked once the host has said what it is. */
export interface EngineArchives {
  archiveFor(architecture: Architecture): Promise<EngineArchive>;
}

export const engineArchiveMissing = defineError<{ architecture: string; path: string }>('ENGINE_ARCHIVE_MISSING', 500, (p) => `The engine for Linux ${p.architecture} hosts is not on this machine: there is no ${p.path}. Install the extension's package that has it (berth-…-with-archives.vsix), or name the folder that has it in BERTH_ENGINE_ARCHIVES (in VS Code: the setting berth.engine.archives). In a clone: npm run package:engine.`);
export const engineArchiveInvalid = defineError<{ path: string; detail: string }>('ENGINE_ARCHIVE_INVALID', 500, (p) => `${p.path} does not describe an archive of the engine that this version of Berth can use: ${p.detail}. Make it anew by npm run package:engine.`);

/** The archives that lie in a folder, as `npm run package:engine` leaves them in `dist`. */
export function archivesIn(folder: string): EngineArchives {
  return { archiveFor: (architecture) => openArchive(folder, architecture) };
}

async function openArchive(folder: string, architecture: Architecture): Promise<EngineArchive> {
  const base = join(folder, `berth-engine-linux-${architecture}`);
  const path = `${base}.json`;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw systemCode(error) === 'ENOENT' ? engineArchiveMissing({ architecture, path: `${base}.tar.gz` }, { cause: error }) : error;
  });
  const manifest = parseManifest(text, path);
  return {
    manifest,
    digest: manifest.digest,
    size: manifest.size,
    open: (start) => createReadStream(`${base}.tar.gz`, { start, highWaterMark: 256 * 1024 }),
    unpacker: { ...manifest.unpacker, open: (start) => createReadStream(`${base}.unpacker`, { start }) },
  };
}

function parseManifest(text: string, path: string): EngineManifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw engineArchiveInvalid({ path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}
