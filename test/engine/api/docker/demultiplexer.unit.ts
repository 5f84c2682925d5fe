import assert from 'node:assert/strict';
import { Demultiplexer } from '../../../../engine/api/docker/demultiplexer.ts';

const frame = (stream: number, text: string): Buffer => Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);

describe('Docker’s multiplexed stream', () => {
  it('is taken apart the same way however it is cut', () => {
    const whole = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, '')]);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const demultiplexer = new Demultiplexer();
      const frames = [...demultiplexer.push(whole.subarray(0, cut)), ...demultiplexer.push(whole.subarray(cut))];
      assert.deepEqual(frames.map(({ stream, data }) => [stream, data.toString()]), [['stdout', 'out'], ['stderr', 'err'], ['stdout', '']]);
    }
  });
});
