import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Demultiplexer } from '../../../src/client/multiplexed.ts';

function frame(stream: 1 | 2, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

describe("Docker's multiplexed stream", () => {
  it('gives back each stream whole, however the transport cuts it', () => {
    const part = fc.record({ stream: fc.constantFrom(1 as const, 2 as const), data: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (parts, cuts) => {
        const bytes = Buffer.concat(parts.map(({ stream, data }) => frame(stream, Buffer.from(data))));
        const demultiplexer = new Demultiplexer();
        const got = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1;
          for (const { stream, data } of demultiplexer.push(bytes.subarray(at, at + length))) got[stream].push(data);
          at += length;
        }
        const sent = (stream: 1 | 2): Buffer => Buffer.concat(parts.filter((one) => one.stream === stream).map((one) => Buffer.from(one.data)));
        assert.deepEqual(Buffer.concat(got.stdout), sent(1));
        assert.deepEqual(Buffer.concat(got.stderr), sent(2));
      }),
    );
  });

  it('passes on a payload before its frame is complete', () => {
    const demultiplexer = new Demultiplexer();
    const bytes = frame(1, Buffer.from('hello'));
    assert.equal(demultiplexer.push(bytes.subarray(0, 10)).map(({ data }) => data.toString()).join(''), 'he');
  });
});
