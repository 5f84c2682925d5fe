import { fstatSync, mkdirSync, readlinkSync, readSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { systemError } from '../insideRoot.ts';
import type { InsideRoot, Place } from '../insideRoot.ts';
import { renameNew, makeLink, setAttributes, setFileAttributes } from './changes.ts';
import { extensions, extensionList } from './extensions.ts';
import { Handles } from './handles.ts';
import { longName } from './longName.ts';
import { openFile } from './openFile.ts';
import { PacketReader } from './packetReader.ts';
import type { PacketWriter } from './packetWriter.ts';
import type { NamedEntry } from './packetWriter.ts';
import { BadPacket, MAX_DATA, request, status } from './protocol.ts';

const ENTRIES_A_PACKET = 100;
const DEFAULT_FILE_MODE = 0o666;
const DEFAULT_FOLDER_MODE = 0o777;

export interface SftpOptions {
  readonly inside: InsideRoot;
  /** What relative paths begin at, and `~`: absolute, one character a byte. */
  readonly cwd: string;
  readonly home: string;
  readonly output: PacketWriter;
}

type Operation = (id: number, packet: PacketReader) => void;

/**
 * An SFTP server, version 3, for the files below a root. One request after the other, each to its end: as OpenSSH's own. Requests that the client
 * has sent ahead wait in the pipe, and answers go out as fast as the client takes them.
 */
export class SftpServer {
  readonly inside: InsideRoot;
  readonly handles = new Handles();
  readonly output: PacketWriter;
  readonly home: string;
  readonly #cwd: string;
  readonly #operations: Readonly<Record<number, Operation>>;

  constructor(options: SftpOptions) {
    this.inside = options.inside;
    this.output = options.output;
    this.home = options.home;
    this.#cwd = options.cwd;
    this.#operations = this.#table();
  }

  /** Answers one packet: its kind and what follows it. Throws BadPacket. */
  handle(data: Buffer): void {
    const packet = new PacketReader(data);
    const kind = packet.byte();
    if (kind === request.init) return this.output.version(extensionList);
    const id = packet.uint32();
    const operation = this.#operations[kind];
    if (!operation) return this.output.status(id, status.unsupported);
    try {
      operation(id, packet);
    } catch (error) {
      if (error instanceof BadPacket) throw error;
      this.output.status(id, statusOf(error));
    }
  }

  /** A client's path, absolute. */
  path(given: string): string {
    return given.startsWith('/') ? given : `${this.#cwd}/${given}`;
  }

  done(id: number): void {
    this.output.status(id, status.ok);
  }

  /** Answers with what a path really is, inside. */
  canonical(id: number, path: string): void {
    using place = this.inside.find(path, true);
    this.output.names(id, [{ name: place.path, long: place.path, stats: undefined }]);
  }

  #table(): Record<number, Operation> {
    const on = (follow: boolean, act: (place: Place, packet: PacketReader) => void): Operation => (id, packet) => {
      using place = this.inside.find(this.path(packet.text()), follow);
      act(place, packet);
      this.done(id);
    };
    return {
      [request.open]: (id, packet) => this.#open(id, packet),
      [request.close]: (id, packet) => (this.handles.close(packet.bytes()), this.done(id)),
      [request.read]: (id, packet) => this.#read(id, packet),
      [request.write]: (id, packet) => this.#write(id, packet),
      [request.lstat]: (id, packet) => this.#stat(id, packet, false),
      [request.stat]: (id, packet) => this.#stat(id, packet, true),
      [request.fstat]: (id, packet) => this.output.attributes(id, fstatSync(this.handles.file(packet.bytes()))),
      [request.setstat]: (id, packet) => (setAttributes(this.inside, this.path(packet.text()), packet.attributes()), this.done(id)),
      [request.fsetstat]: (id, packet) => (setFileAttributes(this.handles.file(packet.bytes()), packet.attributes()), this.done(id)),
      [request.opendir]: (id, packet) => this.output.handle(id, this.handles.openFolder(this.inside, this.path(packet.text()))),
      [request.readdir]: (id, packet) => this.#readFolder(id, packet),
      [request.remove]: on(false, (place) => unlinkSync(place.entry)),
      [request.mkdir]: on(false, (place, packet) => mkdirSync(place.entry, { mode: (packet.attributes().permissions ?? DEFAULT_FOLDER_MODE) & 0o7777 })),
      [request.rmdir]: on(false, (place) => rmdirSync(place.entry)),
      [request.realpath]: (id, packet) => this.canonical(id, this.path(packet.text())),
      [request.rename]: (id, packet) => (renameNew(this.inside, this.path(packet.text()), this.path(packet.text())), this.done(id)),
      [request.readlink]: (id, packet) => this.#readLink(id, packet),
      // OpenSSH has the two the other way round than the draft, and everybody follows it.
      [request.symlink]: (id, packet) => (makeLink(this.inside, packet.text(), this.path(packet.text())), this.done(id)),
      [request.extended]: (id, packet) => {
        const extension = extensions[packet.text()];
        if (extension) extension(this, id, packet);
        else this.output.status(id, status.unsupported);
      },
    };
  }

  #open(id: number, packet: PacketReader): void {
    const path = this.path(packet.text());
    const pflags = packet.uint32();
    const mode = (packet.attributes().permissions ?? DEFAULT_FILE_MODE) & 0o7777;
    this.output.handle(id, this.handles.addFile(openFile(this.inside, path, pflags, mode)));
  }

  #read(id: number, packet: PacketReader): void {
    const fd = this.handles.file(packet.bytes());
    const offset = packet.uint64();
    this.output.data(id, Math.min(packet.uint32(), MAX_DATA), (into) => readSync(fd, into, 0, into.length, offset));
  }

  #write(id: number, packet: PacketReader): void {
    const fd = this.handles.file(packet.bytes());
    const offset = packet.uint64();
    const data = packet.bytes();
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at, data.length - at, Number(offset) + at);
    this.done(id);
  }

  #stat(id: number, packet: PacketReader, follow: boolean): void {
    const path = this.path(packet.text());
    using place = this.inside.find(path, follow);
    if (!place.stats) throw systemError('ENOENT', path);
    this.output.attributes(id, place.stats);
  }

  #readLink(id: number, packet: PacketReader): void {
    using place = this.inside.find(this.path(packet.text()), false);
    const target = readlinkSync(place.entry, 'latin1');
    this.output.names(id, [{ name: target, long: target, stats: undefined }]);
  }

  #readFolder(id: number, packet: PacketReader): void {
    const folder = this.handles.folder(packet.bytes());
    const found: NamedEntry[] = [];
    const add = (name: string): void => {
      const stats = this.#entryStats(folder.place, name);
      found.push({ name, long: stats ? longName(name, stats) : name, stats });
    };
    if (!folder.begun) for (const name of ['.', '..']) add(name);
    folder.begun = true;
    for (let entry = folder.entries.readSync(); entry !== null; entry = found.length < ENTRIES_A_PACKET ? folder.entries.readSync() : null) add(entry.name);
    if (found.length === 0) this.output.status(id, status.eof);
    else this.output.names(id, found);
  }

  /** Of an entry of an open folder; `undefined` where there is no right to look. */
  #entryStats(folder: Place, name: string): Stats | undefined {
    try {
      if (name !== '..') return folder.child(name);
      using parent = this.inside.find(`${folder.path}/..`, false);
      return parent.stats;
    } catch {
      return undefined;
    }
  }
}

function statusOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EBADF' || code === 'ELOOP') return status.noSuchFile;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EFAULT') return status.permissionDenied;
  if (code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'ERR_INVALID_ARG_VALUE') return status.badMessage;
  return code === 'ENOSYS' ? status.unsupported : status.failure;
}
