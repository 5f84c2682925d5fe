import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { addFailed } from '../errors.ts';
import type { Place } from '../errors.ts';
import { readTree } from '../context/tree.ts';
import type { SelectedSource } from '../copy/selectSources.ts';
import type { RemoteSource } from './remoteSource.ts';

export type HttpSource = Extract<RemoteSource, { kind: 'http' }>;

/** Downloads a file to a folder of its own: for root alone, and as old as its server says (Docker's rule). Throws BUILD_ADD_FAILED. */
export async function fetchHttp(source: HttpSource, folder: string, place: Place, signal: AbortSignal): Promise<SelectedSource> {
  return download(source, folder, (detail, cause) => addFailed({ ...place, url: withoutSecrets(source.url), detail }, cause === undefined ? {} : { cause }), signal);
}

/** Throws what `failed` makes. */
export async function download(source: HttpSource, folder: string, failed: (detail: string, cause?: unknown) => Error, signal: AbortSignal): Promise<SelectedSource & { readonly sha256: string }> {
  const { url, headers } = apart(source.url);
  const response = await fetch(url, { headers, signal, redirect: 'follow' }).catch((error: unknown) => {
    throw failed(error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error), error);
  });
  if (!response.ok || !response.body) throw failed(`the server answered ${response.status} ${response.statusText}`);
  const name = nameOf(source.url);
  const path = join(folder, name);
  await mkdir(folder);
  const sum = createHash('sha256');
  const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  body.on('data', (chunk: Buffer) => sum.update(chunk));
  await pipeline(body, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
  const sha256 = sum.digest('hex');
  const digest = `sha256:${sha256}`;
  if (source.checksum !== undefined && source.checksum !== digest) throw failed(`digest mismatch ${digest}: ${source.checksum}`);
  await chmod(path, 0o600);
  const changed = Date.parse(response.headers.get('last-modified') ?? '') / 1000 || 0;
  await utimes(path, changed, changed);
  return { name, entries: await readTree(folder, name), unpack: source.unpack, sha256 };
}

function nameOf(url: string): string {
  const last = decodeURIComponent(new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? '');
  return last === '' || last === '.' || last === '..' || last.includes('/') || last.includes('\0') ? 'download' : last;
}

/** A request's address, and what says who asks. */
function apart(address: string): { readonly url: URL; readonly headers: Record<string, string> } {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const who = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, headers: username === '' && password === '' ? {} : { Authorization: `Basic ${Buffer.from(who).toString('base64')}` } };
}

/** A URL for messages: its user and password are nobody's business. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}
