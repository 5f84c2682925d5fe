import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { parentPort } from 'node:worker_threads';
import { BerthError } from '../../base/errors.ts';
import { decompressed } from './decompress.ts';
import { packLayer } from './packLayer.ts';
import { unpackLayer } from './unpackLayer.ts';
import { SLOT_BYTES } from './unpackMessages.ts';
import type { CarriedError, FromThread, PackJob, ToThread, UnpackJob } from './unpackMessages.ts';

/* The program of a thread that unpacks layers, one after the other: decompresses, digests, checks and writes; and that digests those that were made here. Started by `UnpackThreads`. */

const port = parentPort;
if (!port) throw new Error('unpackWorker runs as a thread only');
const say = (message: FromThread): void => port.postMessage(message);

/** The pieces of the layer that is being unpacked. */
class Source {
  readonly #memory: SharedArrayBuffer;
  readonly #waiting: ToThread[] = [];
  #wake: (() => void) | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
  }

  take(message: ToThread): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  /** Each piece is a copy: a decoder may hold on to it while the slot is filled anew. */
  async *pieces(): AsyncGenerator<Buffer> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (message.kind === 'end') return;
      else if (message.kind === 'abort') throw new Error('The layer was given up');
      else if (message.kind === 'filled') {
        const piece = Buffer.from(new Uint8Array(this.#memory, message.slot * SLOT_BYTES, message.length));
        say({ kind: 'free', slot: message.slot });
        yield piece;
      }
    }
  }
}

async function unpack({ dir, replacedDir, recipePath }: UnpackJob, source: Source): Promise<void> {
  try {
    const { recipe, diffId, size, contentSize } = await unpackLayer(await decompressed(Readable.from(source.pieces(), { objectMode: false, highWaterMark: SLOT_BYTES })), dir, { replacedDir });
    await recipe.save(recipePath);
    say({ kind: 'done', result: { diffId, size, contentSize } });
  } catch (error) {
    say({ kind: 'failed', error: carried(error) });
  }
}

async function pack({ packed, recipePath }: PackJob): Promise<void> {
  try {
    const { recipe, diffId, size } = await packLayer(packed);
    await recipe.save(recipePath);
    say({ kind: 'packed', result: { diffId, size } });
  } catch (error) {
    say({ kind: 'failed', error: carried(error) });
  }
}

function carried(error: unknown): CarriedError {
  if (error instanceof BerthError) return { message: error.message, name: error.name, code: error.code, status: error.status, params: error.params };
  const plain = error instanceof Error ? error : new Error(String(error));
  return { message: plain.message, name: plain.name, code: 'code' in plain ? String(plain.code) : undefined, status: undefined, params: {} };
}

let current: Source | undefined;
port.on('message', (message: ToThread) => {
  if (message.kind === 'leave') return port.close(); // nothing is under way: the thread ends by itself
  if (message.kind === 'pack') return void pack(message.job);
  if (message.kind !== 'begin') return current?.take(message);
  current = new Source(message.memory);
  void unpack(message.job, current);
});
