/** What the add-on exports: seqpacket.c, thread.c, files.c and mounts.c. */
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
  /** Makes a device or a pipe: `mode` has the type bits. Throws with the system's code. */
  export function makeNode(path: Buffer, mode: number, major: number, minor: number): void;
  /** Tells ext4 that what is below each folder in this one has nothing to do with the others (chattr +T). Throws with the system's code. */
  export function spreadFolders(path: Buffer): void;

  /** Called once, with 0 or the system's number of what went wrong. */
  export type Done = (failure: number) => void;

  /** mount(2) on a thread of its own. Relative paths, those in `options` too, are seen from `folder` ('': from the process's). */
  export function mount(folder: string, source: string, target: string, type: string, options: string, flags: number, done: Done): void;
  /** Mounts `source` once more, with owners as the map of the user namespace at this path shows them. */
  export function mountMapped(source: string, target: string, userNamespace: string, done: Done): void;
  /** Takes everything mounted on each of the paths away, lazily; links are not followed. The failure is the first of a path from which not all could be taken, as EINVAL where nothing was mounted. */
  export function unmount(targets: readonly string[], done: Done): void;
}
