import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { shortRandom } from '../../base/ids.ts';
import { limitsIn } from './layerLimits.ts';
import { layerRules } from './layerRules.ts';
import { LayerTranslator } from './layerTranslator.ts';
import { readTar } from './reader.ts';
import type { RecipeWriter } from './recipe.ts';
import { TreeWriter } from './treeWriter.ts';

export interface UnpackedLayer {
  /** sha256 of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** Bytes of file content. */
  readonly contentSize: number;
  /** Replays the tar. */
  readonly recipe: RecipeWriter;
}

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where contents go that the archive itself replaces later: a path on the same file system, made only then. Without it they are lost. */
  readonly replacedDir?: string | undefined;
  /** Entries that are believed; what the disk has room for is a limit of its own. */
  readonly maxEntries?: number | undefined;
}

/**
 * Unpacks an uncompressed layer tar into `dir`, which is empty, as an overlay lower directory: whiteouts become character devices 0/0 and opaque
 * markers an attribute. It blocks its thread while it writes: the engine runs it in others (`UnpackThreads`). Throws ARCHIVE_*, DISK_FULL,
 * LAYER_NOT_WRITTEN; the caller removes `dir` then.
 */
export async function unpackLayer(source: AsyncIterable<Buffer>, dir: string, { signal, replacedDir, maxEntries }: UnpackOptions = {}): Promise<UnpackedLayer> {
  const replaced = `.replaced-${shortRandom(16)}`;
  const rules = layerRules();
  const layer = new LayerTranslator(replaced, rules, await limitsIn(dir, maxEntries));
  const writer = await TreeWriter.into(dir, { required: rules.opaque });
  const hash = createHash('sha256');
  try {
    for await (const part of readTar(source)) {
      signal?.throwIfAborted();
      hash.update(part.kind === 'entry' ? part.raw : part.data);
      for (const step of layer.step(part)) if ('path' in step) writer.make(step); else writer.write(step);
    }
    for (const entry of layer.finish()) writer.make(entry);
    writer.finish();
  } finally {
    writer.close();
  }
  if (layer.replacedCount > 0) await (replacedDir === undefined ? rm(join(dir, replaced), { recursive: true }) : rename(join(dir, replaced), replacedDir));
  return { diffId: `sha256:${hash.digest('hex')}`, size: layer.recipe.size, contentSize: layer.contentSize, recipe: layer.recipe };
}
