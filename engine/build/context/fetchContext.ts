import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { compressionOf, isTar } from '../copy/archive.ts';
import { contextInvalid } from '../errors.ts';
import { download, withoutSecrets } from '../remote/fetchHttp.ts';
import { NotReadable, readRegular } from './readRegular.ts';

/** What a server has for a build. */
export type FetchedContext = { readonly sha256: string } & ({ readonly kind: 'archive'; readonly path: string } | { readonly kind: 'dockerfile'; readonly text: string });

const BLOCK = 512;

/**
 * Downloads a context to `folder`: an archive, or a Dockerfile alone. Which it is its content says; servers call both `application/octet-stream`.
 * Throws BUILD_CONTEXT_INVALID.
 */
export async function fetchContext(url: string, folder: string, signal: AbortSignal): Promise<FetchedContext> {
  const failed = (detail: string, cause?: unknown): Error => contextInvalid({ detail: `${withoutSecrets(url)}: ${detail}` }, { cause });
  const { name, sha256 } = await download({ kind: 'http', url, unpack: false }, folder, failed, signal);
  const path = join(folder, name);
  const head = await firstBlock(path);
  if (isTar(head) || compressionOf(head)) return { kind: 'archive', path, sha256 };
  // A page that says who must log in is no Dockerfile either: none begins so.
  if (head.length === 0 || head.includes(0) || /^\s*</.test(head.toString('latin1'))) throw failed('what the server gave is neither an archive (tar, plain or compressed) nor a Dockerfile');
  const text = await readRegular(path).catch((error: unknown) => {
    throw error instanceof NotReadable ? failed('it is too long for a Dockerfile', error) : error;
  });
  return { kind: 'dockerfile', text, sha256 };
}

async function firstBlock(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK), 0, BLOCK, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
