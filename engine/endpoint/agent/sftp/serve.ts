import { readSync } from 'node:fs';
import { BadPacket, MAX_PACKET } from './protocol.ts';
import type { SftpServer } from './server.ts';

const HEAD = 4;
const ROOM = 4 * (MAX_PACKET + HEAD);

/** Serves the requests that come in at a file descriptor until its other end closes it. Throws BadPacket. */
export function serveSftp(input: number, server: SftpServer): void {
  const room = Buffer.allocUnsafeSlow(ROOM);
  let [start, end] = [0, 0];
  for (;;) {
    while (end - start >= HEAD) {
      const length = room.readUInt32BE(start);
      if (length === 0 || length > MAX_PACKET) throw new BadPacket(`a packet of ${length} bytes`);
      if (end - start < HEAD + length) break;
      server.handle(room.subarray(start + HEAD, start + HEAD + length));
      start += HEAD + length;
    }
    room.copyWithin(0, start, end);
    [start, end] = [0, end - start];
    const count = readSync(input, room, end, ROOM - end, null);
    if (count === 0) return;
    end += count;
  }
}
