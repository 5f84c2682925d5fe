import type { CacheRecord, InlineCache } from '../../content/buildCache.ts';
import type { BuildPlan, Step } from '../plan/graph.ts';
import type { CacheToWrite, ExportedLayer } from '../ports.ts';
import type { CacheMode } from '../request.ts';
import { ownLayer } from './imports.ts';
import type { ImportedStep, Imports } from './imports.ts';
import type { AnyLayer, Layer, StepResult } from '../solve/layer.ts';
import type { Solved } from '../solve/solving.ts';

interface KnownStep {
  readonly keys: ImportedStep['keys'];
  readonly layers: readonly AnyLayer[];
  readonly made: boolean;
  readonly created: string;
}

/** What a cache is to say of a build's steps. `imports`: what it took from others, so that stages which were not needed this time are passed on. */
export async function cacheToWrite(plan: BuildPlan, solved: Solved, mode: CacheMode, imports: Imports | undefined): Promise<CacheToWrite> {
  const layers: ExportedLayer[] = [];
  const indices = new Map<string, number>();
  const indexOf = (layer: AnyLayer): number => {
    const name = 'elsewhere' in layer ? layer.elsewhere.diffId : layer.identity;
    const known = indices.get(name) ?? layers.push('elsewhere' in layer ? layer.elsewhere : { snapshotId: layer.snapshotId }) - 1;
    indices.set(name, known);
    return known;
  };
  const records: CacheRecord[] = [];
  for (const step of wanted(plan, mode)) {
    const known = await knownStep(step, solved, imports);
    if (known) records.push({ ...known, keys: [...known.keys], layers: known.layers.map(indexOf) });
  }
  return { records, layers };
}

/** The records of a cache inside the image itself: of the steps whose layers the image has. */
export async function inlineRecords(plan: BuildPlan, solved: Solved): Promise<InlineCache> {
  const base = solved.target.filter((layer) => layer.isBase).length;
  const records: CacheRecord[] = [];
  for (const step of wanted(plan, 'min')) {
    const known = await knownStep(step, solved, undefined);
    if (known && isBelow(known.layers, solved.target.slice(base))) records.push({ ...known, keys: [...known.keys], layers: known.layers.map((_, index) => base + index) });
  }
  return { version: 1, records };
}

function wanted(plan: BuildPlan, mode: CacheMode): Step[] {
  return [...plan.steps.values()].filter(({ op, final }) => op.kind !== 'source' && (mode === 'max' || final));
}

function isBelow(chain: readonly AnyLayer[], image: readonly Layer[]): boolean {
  return chain.every((layer, index) => ('elsewhere' in layer ? layer.elsewhere.diffId : layer.identity) === image[index]?.identity);
}

async function knownStep(step: Step, { results, definitions }: Solved, imports: Imports | undefined): Promise<KnownStep | undefined> {
  const definition = await definitions.of(step.id);
  if (!definition) return undefined;
  const result = results.get(step.id);
  if (result?.entry) return { keys: result.keys ?? [definition.key, ...(await contentKeys(step, result, definitions)).filter((key) => key !== definition.key)], layers: result.layers.filter((layer) => !layer.isBase), made: result.entry.snapshotId !== null, created: result.entry.created };
  const found = definition.again ? undefined : imports?.find(definition.key);
  return found && { keys: found.keys, layers: found.layers.map((elsewhere) => ({ elsewhere, isBase: false })), made: ownLayer(found) !== null, created: found.created };
}

async function contentKeys({ op, ...step }: Step, { entry }: StepResult, definitions: Solved['definitions']): Promise<string[]> {
  if (op.kind !== 'copy' || entry?.content === undefined) return [];
  const definition = await definitions.byContent({ ...step, op }, op, entry.content);
  return definition ? [definition.key] : [];
}
