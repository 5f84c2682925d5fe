import type { ErrorParams } from '../../base/errors.ts';

/*
 * How the engine and a thread that unpacks talk. Bytes go through memory that both see, in slots: the engine fills one and says so, the thread
 * says when it is free again. So nothing is allocated for each piece, and a thread that is behind makes its source wait.
 */

export const SLOTS = 4;
export const SLOT_BYTES = 512 * 1024;

export interface UnpackJob {
  readonly dir: string;
  readonly replacedDir: string;
  readonly recipePath: string;
}

export type ToThread = { readonly kind: 'begin'; readonly job: UnpackJob; readonly memory: SharedArrayBuffer } | { readonly kind: 'filled'; readonly slot: number; readonly length: number } | { readonly kind: 'end' } | { readonly kind: 'abort' } | { readonly kind: 'leave' };

/** What a layer turned out to be; its recipe is in its file. */
export interface UnpackResult {
  readonly diffId: string;
  readonly size: number;
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

export type FromThread = { readonly kind: 'free'; readonly slot: number } | { readonly kind: 'done'; readonly result: UnpackResult } | { readonly kind: 'failed'; readonly error: CarriedError };
