import assert from 'node:assert/strict';
import { LogDecoder, dockerTime, endOfRecords, tailOffset } from '../../../engine/host/containerLog.ts';

const line = (second: number, stream: string, tag: string, text: string): string => `2026-01-02T03:04:${String(second).padStart(2, '0')}.000000001+00:00 ${stream} ${tag} ${text}\n`;
const log = Buffer.from([line(1, 'stdout', 'F', 'one'), line(2, 'stdout', 'P', 'tw'), line(3, 'stderr', 'F', 'error'), line(4, 'stdout', 'F', 'o'), line(5, 'stdout', 'F', ''), line(6, 'stdout', 'P', 'end')].join(''));
const both = { stdout: true, stderr: true, timestamps: false };
const text = (decoder: LogDecoder, buffer = log): Array<[string, string]> => decoder.decode(buffer).map(({ stream, data }) => [stream, data.toString()]);

describe("a container's log", () => {
  it('gives back what was written, parts of lines joined, neighbours of a stream together', () => {
    assert.deepEqual(text(new LogDecoder(both)), [
      ['stdout', 'one\ntw'],
      ['stderr', 'error\n'],
      ['stdout', 'o\n\nend'],
    ]);
  });

  it('gives one stream only', () => {
    assert.deepEqual(text(new LogDecoder({ ...both, stderr: false })), [['stdout', 'one\ntwo\n\nend']]);
  });

  it('puts the time in front of lines, not in front of their continuations', () => {
    const [[, first] = ['', '']] = text(new LogDecoder({ ...both, stderr: false, timestamps: true }));
    assert.equal(first.split('\n')[1], '2026-01-02T03:04:02.000000001Z two');
  });

  it('leaves out what is earlier than since or later than until, and knows when it is done', () => {
    const decoder = new LogDecoder({ ...both, since: Date.UTC(2026, 0, 2, 3, 4, 3), until: Date.UTC(2026, 0, 2, 3, 4, 4, 500) });
    assert.deepEqual(text(decoder), [['stderr', 'error\n'], ['stdout', 'o\n']]);
    assert.equal(decoder.done, true);
  });

  it('takes whole records only', () => {
    assert.equal(endOfRecords(log.subarray(0, log.length - 3)), log.lastIndexOf('2026'));
  });

  it('finds its last lines, whatever the records', () => {
    const from = (count: number, wanted = both): string | undefined => {
      const offset = tailOffset(log, 0, count, wanted);
      return offset === undefined ? undefined : text(new LogDecoder(wanted), log.subarray(offset)).map(([, one]) => one).join('|');
    };
    assert.equal(from(1), 'end');
    assert.equal(from(2), '\nend');
    assert.equal(from(1, { ...both, stdout: false }), 'error\n');
    assert.equal(from(9), undefined);
  });

  it("turns conmon's local times into UTC, to the nanosecond", () => {
    assert.equal(dockerTime('2026-01-02T03:04:05.123456789+02:00'), '2026-01-02T01:04:05.123456789Z');
  });
});
