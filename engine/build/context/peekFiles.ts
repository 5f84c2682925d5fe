import { readTar } from '../../host/tar/reader.ts';
import type { TarEntry } from '../../host/tar/entry.ts';

/**
 * The texts of some files of a plain tar in memory; a name that is not in it is absent from the result. `undefined` when the
 * archive must be unpacked to know: one of the names, or a folder on its way, is a link, a file is sparse, or the archive is not read by us.
 */
export async function peekFiles(archive: Buffer, names: readonly string[]): Promise<ReadonlyMap<string, string> | undefined> {
  const wanted = new Set(names.map(plainName));
  const found = new Map<string, Buffer[]>();
  let current: Buffer[] | undefined;
  try {
    for await (const part of readTar(inOnePiece(archive))) {
      if (part.kind === 'entry') {
        const path = plainName(part.entry.path);
        if (isInTheWay(part.entry, path, wanted)) return undefined;
        current = part.entry.type === 'file' && wanted.has(path) ? [] : undefined;
        if (current) found.set(path, current);
      } else if (part.kind === 'content') current?.push(part.data);
    }
  } catch {
    return undefined; // unpacking says what is wrong with it
  }
  return new Map(names.flatMap((name) => found.has(plainName(name)) ? [[name, Buffer.concat(found.get(plainName(name)) ?? []).toString('utf8')]] : []));
}

function isInTheWay({ type, segments }: TarEntry, path: string, wanted: ReadonlySet<string>): boolean {
  if (type === 'directory') return false;
  if (wanted.has(path)) return type !== 'file' || segments !== undefined;
  return [...wanted].some((name) => name.startsWith(`${path}/`));
}

function plainName(path: string): string {
  return path.split('/').filter((part) => part !== '' && part !== '.').join('/');
}

async function* inOnePiece(archive: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(archive);
}
