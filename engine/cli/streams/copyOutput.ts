import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { Demultiplexer } from '../../api/docker/demultiplexer.ts';

export interface Outputs {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Copies a container's output until it ends. `raw`: a terminal's bytes; else Docker's multiplexed stream. Waits for slow readers. */
export async function copyOutput(from: Readable, to: Outputs, raw: boolean): Promise<void> {
  const demultiplexer = raw ? undefined : new Demultiplexer();
  for await (const chunk of from as AsyncIterable<Buffer>) {
    if (!demultiplexer) await write(to.stdout, chunk);
    else for (const { stream, data } of demultiplexer.push(chunk)) await write(to[stream], data);
  }
}

async function write(out: Writable, data: Buffer): Promise<void> {
  if (!out.write(data)) await once(out, 'drain');
}
