import { close, constants, fchmod, fchown, ftruncate, futimes, linkSync, mkdirSync, open as openFile, openSync, symlinkSync, write } from 'node:fs';
import { lchown, link, lstat, lutimes, mkdir, open, rm, symlink } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { badRequest } from '../base/errors.ts';
import { decompressed } from '../host/tar/decompress.ts';
import type { TarEntry } from '../host/tar/entry.ts';
import { readTar } from '../host/tar/reader.ts';
import type { FileContent } from '../host/tar/reader.ts';
import { ownerHere, ownerUnmapped } from '../host/userNamespace.ts';
import type { Owner } from '../host/userNamespace.ts';
import type { FolderHandle } from './folderHandle.ts';
import { makeInside } from './making.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** By number: those of files that are made without waiting come so. */
const onFile = { open: promisify(openFile), write: promisify(write), chown: promisify(fchown), chmod: promisify(fchmod), truncate: promisify(ftruncate), utimes: promisify(futimes), close: promisify(close) };

/** Unpacks a tar, compressed or not, into a folder inside a container. Links in the container are followed as inside it; an archive cannot lead out. `ownerOf`: who is there what an owner in the archive is. Throws OWNER_UNMAPPED. */
export async function extractInto(folder: FolderHandle, archive: Readable, ownerOf: (owner: Owner) => Owner | undefined): Promise<void> {
  const writer = new EntryWriter(folder, ownerOf({ uid: 0, gid: 0 }) ?? { uid: 0, gid: 0 });
  const owned = (entry: TarEntry): TarEntry => {
    const { uid, gid } = entry;
    const owner = ownerOf({ uid, gid });
    if (!owner) throw ownerUnmapped({ path: entry.path, uid, gid });
    return { ...entry, ...ownerHere(owner, entry.path) };
  };
  try {
    for await (const part of readTar(await decompressed(archive))) {
      if (part.kind === 'entry') await writer.begin(owned(part.entry));
      else if (part.kind === 'content') await writer.content(part);
    }
  } finally {
    await writer.end();
  }
}

class EntryWriter {
  readonly #base: FolderHandle;
  readonly #root: Owner;
  #file: { readonly fd: number; readonly entry: TarEntry } | undefined;

  constructor(base: FolderHandle, root: Owner) {
    this.#base = base;
    this.#root = root;
  }

  async begin(entry: TarEntry): Promise<void> {
    await this.end();
    const path = decode(posix.normalize(`/${entry.path}`));
    if (path === '/') return;
    await using parent = await this.#base.descend(posix.dirname(path).slice(1), { create: { owner: this.#root } });
    const place = parent.child(posix.basename(path));
    if (entry.type === 'directory') return await this.#folder(place, entry);
    await clear(place, entry);
    if (entry.type === 'file') this.#file = { fd: await makeInside(this.#root, place, { now: () => openSync(place, NEW_FILE, 0o600), later: () => onFile.open(place, NEW_FILE, 0o600) }), entry };
    else if (entry.type === 'symlink') await this.#symbolicLink(place, entry);
    else if (entry.type === 'hardlink') await this.#hardLink(place, entry);
    else throw badRequest({ what: 'archive', detail: `${entry.path} is a ${entry.type}: only files, folders and links can be copied into a container` });
  }

  async content({ data, at }: FileContent): Promise<void> {
    for (let done = 0; this.#file && done < data.length; ) done += (await onFile.write(this.#file.fd, data, done, data.length - done, at + done)).bytesWritten;
  }

  /** Finishes the file that is being written, if any. */
  async end(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    const { fd, entry } = file;
    try {
      if (entry.segments) await onFile.truncate(fd, entry.size); // it may end with a hole
      await onFile.chown(fd, entry.uid, entry.gid);
      await onFile.chmod(fd, entry.mode & 0o7777);
      await onFile.utimes(fd, entry.mtime, entry.mtime);
    } finally {
      await onFile.close(fd);
    }
  }

  async #hardLink(place: string, entry: TarEntry): Promise<void> {
    const target = decode(posix.normalize(`/${entry.linkPath}`));
    await using folder = await this.#base.descend(posix.dirname(target).slice(1));
    const from = folder.child(posix.basename(target));
    await makeInside(this.#root, place, { now: () => linkSync(from, place), later: () => link(from, place) });
  }

  async #symbolicLink(place: string, { linkPath, uid, gid, mtime }: TarEntry): Promise<void> {
    const target = decode(linkPath);
    await makeInside(this.#root, place, { now: () => symlinkSync(target, place), later: () => symlink(target, place) });
    await lchown(place, uid, gid);
    await lutimes(place, mtime, mtime);
  }

  async #folder(place: string, entry: TarEntry): Promise<void> {
    const there = await lstat(place).catch(() => undefined);
    if (there && !there.isDirectory()) await rm(place);
    if (!there?.isDirectory()) await makeInside(this.#root, place, { now: () => mkdirSync(place), later: () => mkdir(place) });
    const handle = await open(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await handle.chown(entry.uid, entry.gid);
      await handle.chmod(entry.mode & 0o7777);
    } finally {
      await handle.close();
    }
  }
}

/** Takes away what an entry replaces. Never a folder with what is in it: names below it could be made to lead elsewhere while it is emptied. */
async function clear(place: string, { path }: TarEntry): Promise<void> {
  const there = await lstat(place).catch(() => undefined);
  if (there?.isDirectory()) throw badRequest({ what: 'archive', detail: `cannot overwrite the folder ${path} with a file` });
  if (there) await rm(place);
}

/** The reader gives one character a byte; names on disk are UTF-8. */
function decode(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
