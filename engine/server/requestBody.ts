import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { badRequest, invalidJson } from '../base/errors.ts';

const LIMIT = 16 * 1024 * 1024;

/** Reads a whole JSON body (at most 16 MiB) and parses it by `schema`; nothing at all counts as `{}`. */
export async function readJson<T>(body: Readable, where: string, schema: z.ZodType<T>): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT) throw badRequest({ what: where, detail: 'the body is larger than 16 MiB' });
    chunks.push(chunk);
  }
  const parsed = schema.safeParse(parseText(Buffer.concat(chunks).toString('utf8'), where));
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`).join('; ');
  throw badRequest({ what: where, detail });
}

function parseText(text: string, where: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidJson({ where: `The body of ${where}`, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}
