/** What the add-on exports: seqpacket.c, thread.c, files.c, links.c, spawn.c and mounts.c. */
declare module '#native' {
  /** Opaque. Stays open until it is closed. */
  export interface SeqpacketConnection {
    readonly __seqpacket: never;
  }

  /** Throws with the system's code; EAGAIN: others wait to be accepted. */
  export function open(path: string, onPacket: (packet: Buffer) => void, onWritable: () => void, onEnd: () => void): SeqpacketConnection;
  /** False: there is no room; onWritable tells when there is. */
  export function send(connection: SeqpacketConnection, data: Buffer, offset: number, length: number): boolean;
  export function shutdown(connection: SeqpacketConnection): void;
  export function close(connection: SeqpacketConnection): void;
  /** Does synchronous work on files as who has these ids, with this process's capabilities; nothing else has them meanwhile. Throws EPERM. */
  export function asIds<T>(uid: number, gid: number, work: () => T): T;
  /** Does synchronous work in the network namespace that a descriptor is of. Throws the system's code. */
  export function inNetns<T>(descriptor: number, work: () => T): T;

  /** Sets an extended attribute; links are not followed. Throws with the system's code. */
  export function setAttribute(path: Buffer, name: string, value: Buffer): void;
  /** The extended attributes of a file, a link not followed: name, value, name, value, …; undefined: none. Throws with the system's code. */
  export function attributes(path: Buffer): Array<string | Buffer> | undefined;
  /** What is in a folder, with the content of regular files of at most `limit` bytes, together at most `most`; see treeReader.ts for its form. Throws with the system's code. */
  export function readFolder(path: Buffer, limit: number, most: number): Buffer;
  /** Makes a device or a pipe: `mode` has the type bits. Throws with the system's code. */
  export function makeNode(path: Buffer, mode: number, major: number, minor: number): void;
  /** Tells ext4 that what is below each folder in this one has nothing to do with the others (chattr +T). Throws with the system's code. */
  export function spreadFolders(path: Buffer): void;

  /** Gives each path below the folder `to` the file that has it below `from`; paths are bytes, each ended by a zero. A byte for each: 1 where that went well. Rejects with the system's code. */
  export function linkAll(from: Buffer, to: Buffer, paths: Buffer): Promise<Buffer>;

  /**
   * Starts a program by its path, with all its arguments (the first is its name), and returns its pid. Of the environment, undefined is this
   * process's. The child has these descriptors, -1 being /dev/null, and no others; `detached`: in a session of its own. Throws with the system's code; what is told at its end is its
   * status, or the number of the signal that ended it.
   */
  export function spawn(path: string, args: readonly string[], environment: readonly string[] | undefined, folder: string | undefined, descriptors: readonly number[], detached: boolean, onExit: (status: number | null, signal: number | null) => void): number;
  /** The two ends of a pipe: to read, to write. Both close with an exec. */
  export function pipe(): [number, number];
  /** A descriptor of an empty file in memory that has no name. */
  export function memoryFile(): number;

  /** Called once, with 0 or the system's number of what went wrong. */
  export type Done = (failure: number) => void;

  /** mount(2) on a thread of its own. Relative paths, those in `options` too, are seen from `folder` ('': from the process's). */
  export function mount(folder: string, source: string, target: string, type: string, options: string, flags: number, done: Done): void;
  /** Mounts `source` once more, with owners as the map of the user namespace at this path shows them. */
  export function mountMapped(source: string, target: string, userNamespace: string, done: Done): void;
  /** Takes everything mounted on each of the paths away, lazily; links are not followed. The failure is the first of a path from which not all could be taken, as EINVAL where nothing was mounted. */
  export function unmount(targets: readonly string[], done: Done): void;
}
