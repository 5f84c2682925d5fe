import { z } from 'zod';
import { digestSchema } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { Snapshot } from './types.ts';

/** What a snapshot's `meta.json` says. */
export const metaSchema = z.object({ id: z.string(), parent: z.string().optional(), diffId: digestSchema.optional(), otherDiffId: digestSchema.optional(), tarSize: z.number().optional(), size: z.number(), created: z.string(), unsettledIn: z.string().optional() });
export type Meta = z.infer<typeof metaSchema>;

export function metaText(meta: Meta): string {
  return `${JSON.stringify(meta, null, 2)}\n`;
}

export function diffIdsOf({ diffId, otherDiffId }: Meta): Digest[] {
  return [diffId, otherDiffId].filter((one) => one !== undefined);
}

export function withoutMark(meta: Meta): Meta {
  const copy = { ...meta };
  delete copy.unsettledIn;
  return copy;
}

export function view(meta: Meta): Snapshot {
  const { id, size, created } = meta;
  return { id, size, created, ...(meta.parent === undefined ? {} : { parent: meta.parent }), ...(meta.diffId === undefined ? {} : { diffId: meta.diffId }) };
}
