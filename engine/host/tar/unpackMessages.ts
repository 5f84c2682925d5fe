import type { ErrorParams } from '../../base/errors.ts';

/*
 * How the engine and a thread for layers talk. Bytes of a layer that is unpacked go through memory that both see, in slots: the engine fills one and says so, the thread
 * says when it is free again. So nothing is allocated for each piece, and a thread that is behind makes its source wait.
 */

export const SLOTS = 4;
export const SLOT_BYTES = 512 * 1024;

export interface UnpackJob {
  readonly dir: string;
  readonly replacedDir: string;
  readonly recipePath: string;
}

/** A folder of the store whose tar is wanted: what replays it, at `recipePath`. */
export interface PackJob {
  readonly packed: string;
  readonly recipePath: string;
}

/** What a layer's tar is. */
export interface TarIdentity {
  readonly diffId: string;
  /** Bytes. */
  readonly size: number;
}

export type ToThread = { readonly kind: 'pack'; readonly job: PackJob } | { readonly kind: 'begin'; readonly job: UnpackJob; readonly memory: SharedArrayBuffer } | { readonly kind: 'filled'; readonly slot: number; readonly length: number } | { readonly kind: 'end' } | { readonly kind: 'abort' } | { readonly kind: 'leave' };

/** What a layer turned out to be; its recipe is in its file. */
export interface UnpackResult extends TarIdentity {
  readonly contentSize: number;
}

/** An error as it crosses the border between threads. */
export interface CarriedError {
  readonly message: string;
  readonly name: string;
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly params: ErrorParams;
}

export type FromThread = { readonly kind: 'free'; readonly slot: number } | { readonly kind: 'done'; readonly result: UnpackResult } | { readonly kind: 'packed'; readonly result: TarIdentity } | { readonly kind: 'failed'; readonly error: CarriedError };
