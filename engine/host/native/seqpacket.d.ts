/** What seqpacket.c and thread.c export. */
declare module '#seqpacket' {
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
}
