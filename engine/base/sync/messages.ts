import { z } from 'zod';
import type { Change, Entry, ScanDelta } from './entry.ts';
import { syncPeerInvalid } from './errors.ts';
import { pathFault } from './paths.ts';

/** The words of the protocol. The client asks, one thing at a time; the host answers; `changed` comes unasked. */

export const protocolVersion = 1;

const mode = z.number().int().min(0).max(0o777);
const path = z.string().refine((text) => pathFault(text) === undefined, { error: (issue) => `${JSON.stringify(String(issue.input).slice(0, 200))}: ${pathFault(String(issue.input)) ?? ''}` });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('folder'), mode }),
  z.object({ kind: z.literal('file'), mode, size: z.number().int().nonnegative(), digest: sha256 }),
  z.object({ kind: z.literal('link'), target: z.string().min(1).max(4096).refine((text) => !text.includes('\0'), 'has a NUL character') }),
]);

/** No `undefined` in JSON: nothing is null. */
const entryOrNone = entrySchema.nullable();

const signatureSchema = z.object({
  blockSize: z.number().int().min(1 << 11).max(1 << 17),
  sums: z.base64(),
});

/** A file whose content one side wants from the other. */
export const needSchema = z.object({ path, digest: sha256, index: z.number().int().nonnegative(), signature: signatureSchema.optional() });
export type Need = z.infer<typeof needSchema>;

const wantedSchema = z.object({ path, digest: sha256, size: z.number().int().nonnegative(), mode });
/** A file that a side is to have. */
export type Wanted = z.infer<typeof wantedSchema>;

const changeSchema = z.object({ path, from: entryOrNone, to: entryOrNone, after: path.optional() });

const rulesSchema = z.object({
  files: z.array(z.tuple([z.union([z.literal(''), path]), z.string()])),
  extra: z.array(z.string()),
  kept: z.array(path),
});

export const requestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('scan'), full: z.boolean(), rules: rulesSchema.optional() }),
  z.object({ type: z.literal('stage'), files: z.array(wantedSchema), keepTimes: z.boolean() }),
  /** Chunks of content follow, and an end. */
  z.object({ type: z.literal('receive') }),
  z.object({ type: z.literal('supply'), needs: z.array(needSchema) }),
  z.object({ type: z.literal('apply'), changes: z.array(changeSchema) }),
  z.object({ type: z.literal('settle') }),
]);
export type Request = z.infer<typeof requestSchema>;

export const welcomeSchema = z.object({
  type: z.literal('welcome'),
  version: z.number().int(),
  /** The folder, absolute, as the host spells it. */
  root: z.string(),
  host: z.string(),
  /** Names the host's run: after another one, what was not yet on its disk may be gone. */
  boot: z.string(),
  capabilities: z.object({ caseInsensitive: z.boolean(), normalizing: z.boolean(), modes: z.boolean(), windowsNames: z.boolean() }),
});
export type Welcome = z.infer<typeof welcomeSchema>;

const outcomeSchema = z.discriminatedUnion('kind', [z.object({ kind: z.literal('done') }), z.object({ kind: z.literal('stale') }), z.object({ kind: z.literal('problem'), detail: z.string() })]);

export const scanReplySchema = z.object({
  full: z.boolean(),
  changes: z.array(z.tuple([path, entryOrNone])),
  problems: z.array(z.tuple([z.string(), z.string()])),
  busy: z.array(z.string()),
  limited: z.string().optional(),
});
export const stageReplySchema = z.array(needSchema);
export const receiveReplySchema = z.array(z.number().int().nonnegative());
export const applyReplySchema = z.array(outcomeSchema);
export const nothingSchema = z.null();

export const fromHostSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('reply'), value: z.unknown() }),
  z.object({ type: z.literal('failed'), code: z.string(), message: z.string(), params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])) }),
  z.object({ type: z.literal('changed') }),
]);

/** Parses what a peer sent. Throws SYNC_PEER_INVALID. */
export function parsePeer<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw syncPeerInvalid({ what, detail: issue === undefined ? 'it has another form' : `${issue.path.map(String).join('.')}: ${issue.message}` });
}

export function toDelta(reply: z.infer<typeof scanReplySchema>): ScanDelta {
  const { limited, ...rest } = reply;
  return { ...rest, changes: reply.changes.map(([at, entry]) => [at, entry ?? undefined] as const), ...(limited === undefined ? {} : { limited }) };
}

export function fromDelta(delta: ScanDelta): z.infer<typeof scanReplySchema> {
  return { full: delta.full, changes: delta.changes.map(([at, entry]) => [at, entry ?? null]), problems: delta.problems.map(([at, reason]) => [at, reason]), busy: [...delta.busy], ...(delta.limited === undefined ? {} : { limited: delta.limited }) };
}

export function toChange(change: z.infer<typeof changeSchema>): Change {
  return { path: change.path, from: present(change.from), to: present(change.to), ...(change.after === undefined ? {} : { after: change.after }) };
}

export function fromChange({ path: at, from, to, after }: Change): z.infer<typeof changeSchema> {
  return { path: at, from: from ?? null, to: to ?? null, ...(after === undefined ? {} : { after }) };
}

function present(entry: Entry | null): Entry | undefined {
  return entry ?? undefined;
}

