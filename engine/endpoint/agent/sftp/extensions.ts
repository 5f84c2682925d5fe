import { fsyncSync, statfsSync } from 'node:fs';
import { systemError } from '../insideRoot.ts';
import { makeHardLink, renameOver, setLinkAttributes } from './changes.ts';
import { MAX_HANDLES } from './handles.ts';
import type { PacketReader } from './packetReader.ts';
import { uint64 } from './packetWriter.ts';
import { MAX_DATA, MAX_PACKET } from './protocol.ts';
import type { SftpServer } from './server.ts';

type Extension = (server: SftpServer, id: number, packet: PacketReader) => void;

/** OpenSSH's extensions, as its PROTOCOL file describes them. */
export const extensions: Readonly<Record<string, Extension | undefined>> = {
  'posix-rename@openssh.com': (server, id, packet) => {
    renameOver(server.inside, server.path(packet.text()), server.path(packet.text()));
    server.done(id);
  },
  'hardlink@openssh.com': (server, id, packet) => {
    makeHardLink(server.inside, server.path(packet.text()), server.path(packet.text()));
    server.done(id);
  },
  'fsync@openssh.com': (server, id, packet) => {
    fsyncSync(server.handles.file(packet.bytes()));
    server.done(id);
  },
  'lsetstat@openssh.com': (server, id, packet) => {
    setLinkAttributes(server.inside, server.path(packet.text()), packet.attributes());
    server.done(id);
  },
  'statvfs@openssh.com': (server, id, packet) => {
    using place = server.inside.find(server.path(packet.text()), true);
    statvfs(server, id, place.object);
  },
  'fstatvfs@openssh.com': (server, id, packet) => statvfs(server, id, `/proc/self/fd/${server.handles.file(packet.bytes())}`),
  'limits@openssh.com': (server, id) => server.output.extended(id, [MAX_PACKET, MAX_DATA, MAX_DATA, MAX_HANDLES].map((limit) => uint64(BigInt(limit)))),
  'expand-path@openssh.com': (server, id, packet) => {
    const path = packet.text();
    if (/^~[^/]/.test(path)) throw systemError('ENOENT', path);
    server.canonical(id, path.startsWith('~') ? `${server.home}/${path.slice(1)}` : server.path(path));
  },
};

const versions: Readonly<Record<string, string>> = { 'statvfs@openssh.com': '2', 'fstatvfs@openssh.com': '2' };

/** What the server says it can do, and in which version. */
export const extensionList: ReadonlyArray<readonly [string, string]> = ['posix-rename@openssh.com', 'statvfs@openssh.com', 'fstatvfs@openssh.com', 'hardlink@openssh.com', 'fsync@openssh.com', 'lsetstat@openssh.com', 'limits@openssh.com', 'expand-path@openssh.com'].map((name) => [name, versions[name] ?? '1'] as const);

function statvfs(server: SftpServer, id: number, path: string): void {
  const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path);
  const [noFlags, longestName] = [0, 255];
  server.output.extended(id, [bsize, bsize, blocks, bfree, bavail, files, ffree, ffree, 0, noFlags, longestName].map((field) => uint64(BigInt(field))));
}
