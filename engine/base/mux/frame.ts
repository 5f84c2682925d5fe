import { muxProtocol } from './errors.ts';

/**
 * A frame: type (1 byte), length of the payload (3), stream (4, 0: the session itself), payload. Those below 0x10 are sequenced: both
 * ends count them, the sender keeps them until they are acknowledged, and sends them again on a new carrier.
 */
export const frameTypes = {
  /** A new stream; the payload says where to. */
  open: 0x01,
  data: 0x02,
  /** The sender writes no more on this stream. */
  end: 0x03,
  /** The sender has given the stream up; payload: `Reason` as JSON. */
  reset: 0x04,
  /** The sender of this frame takes that many more bytes; payload: 4 bytes. */
  window: 0x05,
  /** How many sequenced frames have arrived in all; payload: 6 bytes. */
  ack: 0x10,
  ping: 0x11,
  pong: 0x12,
  /** The session is over; payload: `Reason` as JSON. */
  close: 0x13,
} as const;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const headerSize = 8;
export const maxPayload = 64 * 1024;
const empty: Buffer = Buffer.alloc(0);

export function isSequenced(type: number): boolean {
  return type < 0x10;
}

export function encodeFrame(type: number, stream: number, payload: Uint8Array = empty): Buffer {
  if (payload.length > maxPayload) throw muxProtocol({ detail: `a frame of ${payload.length} bytes` });
  const frame = Buffer.allocUnsafe(headerSize + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUIntBE(payload.length, 1, 3);
  frame.writeUInt32BE(stream, 4);
  frame.set(payload, headerSize);
  return frame;
}

/** Takes the bytes of one carrier apart, however they were cut. */
export class FrameParser {
  #rest: Buffer = empty;

  /** The frames that are whole now. Throws MUX_PROTOCOL for a payload that is too long. */
  push(chunk: Buffer): Frame[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= headerSize) {
      const length = bytes.readUIntBE(at + 1, 3);
      if (length > maxPayload) throw muxProtocol({ detail: `a frame of ${length} bytes` });
      if (bytes.length - at < headerSize + length) break;
      frames.push({ type: bytes.readUInt8(at), stream: bytes.readUInt32BE(at + 4), payload: bytes.subarray(at + headerSize, at + headerSize + length) });
      at += headerSize + length;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }
}

/** Why a stream or a session ended: a stable code, and words for people. */
export interface Reason {
  readonly code: string;
  readonly detail: string;
}

export function encodeReason({ code, detail }: Reason): Buffer {
  return Buffer.from(JSON.stringify({ code, detail: detail.slice(0, 2000) }));
}

export function decodeReason(payload: Buffer): Reason {
  try {
    const value: unknown = JSON.parse(payload.toString());
    if (typeof value === 'object' && value !== null && 'code' in value && 'detail' in value) return { code: String(value.code), detail: String(value.detail) };
  } catch {
    // said below
  }
  return { code: 'UNKNOWN', detail: 'no reason was given' };
}
