import { lstat, readlink } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { badRequest, hostCommandFailed, systemCode } from '../base/errors.ts';
import { unmount } from '../host/mounts.ts';
import { exitOf, start } from '../host/process.ts';
import { asRootOf, WITHOUT_LABELS } from '../host/tar/copyTree.ts';
import { isAlive } from '../host/processIdentity.ts';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import { notRunning, pathNotInContainer } from './errors.ts';
import { extractInto } from './extract.ts';
import { FolderHandle } from './folderHandle.ts';
import { ownerSeen, withInsideIds } from './ownIds.ts';
import type { ContainerParts } from './parts.ts';
import { mountRootfs } from './release.ts';
import type { MountPoint } from './record.ts';

/** What `docker cp` asks of a path. `mode` is Go's. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

/** Copies files in and out of a container, running or not, as a process inside would see them; links never lead out. */
export class ContainerArchive {
  readonly #parts: ContainerParts;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
  }

  /** Throws NO_SUCH_PATH. */
  stat(container: Container, path: string): Promise<PathStat> {
    return this.#within(container, path, async (folder, place) => describe(folder, place, await this.#lstat(container, folder, place.name, path)));
  }

  /** Writes the path as a tar, its last part as the name of the first entry (`.` for a path that ends so). `begin` is given what it is beforehand. */
  async read(container: Container, path: string, begin: (stat: PathStat) => Writable): Promise<void> {
    await this.#within(container, path, async (folder, place) => {
      const out = begin(await describe(folder, place, await this.#lstat(container, folder, place.name, path)));
      await writeTar(container, { folder, args: [...renaming(place), '--', place.name], what: path }, out);
    });
    announce(this.#parts.events, container, 'archive-path', { path });
  }

  /** Unpacks a tar (plain or compressed) into a folder that exists. */
  async write(container: Container, path: string, body: Readable): Promise<void> {
    if (isReadOnly(container, path)) throw badRequest({ what: 'copy', detail: `${path} of the container is marked read-only` });
    await this.#within(container, `${path}/.`, async (folder) => extractInto(folder, body, ownerSeen(container)));
    announce(this.#parts.events, container, 'extract-to-dir', { path });
  }

  async #within<T>(container: Container, path: string, work: (folder: FolderHandle, place: Place) => Promise<T>): Promise<T> {
    if (path === '') throw badRequest({ what: 'path', detail: 'the path in the container is missing' });
    const { process } = container.state;
    if (container.running && process) {
      return this.#open(`/proc/${process.pid}/root`, container, path, (folder, place) => {
        // Looked at after its root was opened: if it still lives, that was its root and not that of a later process of this number.
        if (!isAlive(process)) throw notRunning({ id: container.id });
        return work(folder, place);
      });
    }
    return this.#parts.locks.run(container.id, async () => {
      await mountRootfs(this.#parts, container);
      try {
        const mount = mountAt(container, path);
        return await (mount && mount.type !== 'tmpfs' ? this.#open(mount.source, container, path.slice(mount.destination.length) || '/.', work) : this.#open(container.paths.rootfs, container, path, work));
      } finally {
        await unmount(container.paths.rootfs);
      }
    });
  }

  async #open<T>(base: string, container: Container, path: string, work: (folder: FolderHandle, place: Place) => Promise<T>): Promise<T> {
    const place = placeOf(path);
    try {
      await using root = await FolderHandle.open(base);
      await using folder = await root.descend(place.parent);
      return await work(folder, place);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) throw pathNotInContainer({ path: path.replace(/\/\.$/, ''), container: container.record.name }, { cause: error });
      throw error;
    }
  }

  async #lstat(container: Container, folder: FolderHandle, name: string, path: string): Promise<Stats> {
    try {
      return await lstat(folder.child(name));
    } catch (error) {
      throw pathNotInContainer({ path, container: container.record.name }, { cause: error });
    }
  }
}

/** Writes files of a container as a tar, with the ids that they have inside. `args`: which, and further options; `what` names them in an error. */
export async function writeTar(container: Container, { folder, args, what }: { readonly folder: FolderHandle; readonly args: readonly string[]; readonly what: string }, out: Writable, signal?: AbortSignal): Promise<void> {
  await withInsideIds(container, async (userNamespace) => {
    const [program = '', ...before] = [...asRootOf(userNamespace), 'tar', '-C', '/proc/self/fd/3', '--numeric-owner', '--xattrs', WITHOUT_LABELS, '--format=pax', '-c'];
    const child = start(program, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe', folder.fd], signal });
    const ended = exitOf('tar', child);
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-1000)));
    if (child.stdout) await pipeline(child.stdout, out, ...(signal ? [{ signal }] : []));
    const status = await ended;
    if (status > 1) throw hostCommandFailed({ command: `tar of ${what}`, status, stderr: words }); // 1: a file changed meanwhile
  });
}

/** What of a container is meant: a name in a folder, or (`.`) the folder itself, and what it is called. */
interface Place {
  readonly parent: string;
  readonly name: string;
  readonly shown: string;
}

/** A path that ends in `/.`, and the root, mean the folder itself; one that ends in `/` what a link leads to, under the link's name. */
export function placeOf(path: string): Place {
  const clean = posix.normalize(`/${path}`).replace(/\/$/, '') || '/';
  const name = posix.basename(clean);
  if (clean === '/') return { parent: '/', name: '.', shown: '/' };
  if (/\/\.$/.test(path)) return { parent: clean, name: '.', shown: '.' };
  return path.endsWith('/') ? { parent: clean, name: '.', shown: name } : { parent: posix.dirname(clean), name, shown: name };
}

/** What makes tar call the folder itself by its name. Targets of symbolic links are no names in the archive. */
function renaming({ name, shown }: Place): string[] {
  return name === '.' && shown !== '.' && shown !== '/' ? [`--transform=flags=rhS;s,^\\.,${shown.replaceAll(/[\\&,\n]/g, '\\$&')},`] : [];
}

/** The innermost mount that a path is in. */
function mountAt({ record }: Container, path: string): MountPoint | undefined {
  return record.mounts.filter(({ destination }) => isWithin(path, destination)).sort((a, b) => b.destination.length - a.destination.length)[0];
}

function isReadOnly(container: Container, path: string): boolean {
  return mountAt(container, path)?.readOnly ?? container.record.hostConfig.ReadonlyRootfs ?? false;
}

function isWithin(path: string, folder: string): boolean {
  const clean = posix.normalize(`/${path}`);
  return clean === folder || clean.startsWith(`${folder}/`);
}

const GO_DIRECTORY = 2 ** 31;
const GO_SYMLINK = 2 ** 27;
const GO_SETUID = 2 ** 23;
const GO_SETGID = 2 ** 22;
const GO_STICKY = 2 ** 20;

async function describe(folder: FolderHandle, { name, shown }: Place, info: Stats): Promise<PathStat> {
  const linkTarget = info.isSymbolicLink() ? await readlink(folder.child(name)) : '';
  const bits: ReadonlyArray<[boolean, number]> = [
    [info.isDirectory(), GO_DIRECTORY],
    [info.isSymbolicLink(), GO_SYMLINK],
    [(info.mode & 0o4000) !== 0, GO_SETUID],
    [(info.mode & 0o2000) !== 0, GO_SETGID],
    [(info.mode & 0o1000) !== 0, GO_STICKY],
  ];
  const mode = bits.reduce((sum, [set, bit]) => sum + (set ? bit : 0), info.mode & 0o777);
  return { name: shown, size: info.size, mode, mtime: info.mtime.toISOString(), linkTarget };
}
