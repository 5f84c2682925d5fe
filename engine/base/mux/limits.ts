/** What bounds the memory and the patience of a session. */
export interface MuxLimits {
  /** Bytes of one stream that may be on their way to a reader that does not read. Both ends must mean the same. */
  readonly window: number;
  /** The window of a stream whose reader keeps up grows up to this. */
  readonly maxWindow: number;
  /** All that windows have grown by, over all streams of a session. */
  readonly growth: number;
  /** Bytes that were sent and are kept until they are acknowledged. */
  readonly unacknowledged: number;
  /** Streams that the peer may have open at once. */
  readonly streams: number;
  /** An acknowledgement is late by at most this. */
  readonly ackMs: number;
  /** A ping is sent this often. */
  readonly heartbeatMs: number;
  /** A carrier that brought nothing for so long is dead. */
  readonly deadMs: number;
}

const KiB = 1024;

export const defaultMuxLimits: MuxLimits = {
  window: 256 * KiB,
  maxWindow: 4096 * KiB,
  growth: 16 * 1024 * KiB,
  unacknowledged: 4096 * KiB,
  streams: 1024,
  ackMs: 25,
  heartbeatMs: 5000,
  deadMs: 15_000,
};
