import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapBounded } from '../../../engine/build/solve/mapBounded.ts';
import { SharedWork } from '../../../engine/build/solve/sharedWork.ts';
import { Slots } from '../../../engine/build/solve/slots.ts';

const waiter = (signal: AbortSignal = new AbortController().signal) => {
  const seen: string[] = [];
  return { signal, seen, onOutput: ({ chunk }: { chunk: Buffer }) => void seen.push(chunk.toString()) };
};

describe('work shared between builds', () => {
  it('is done once, and latecomers see what was printed before', async () => {
    const shared = new SharedWork<number>();
    let starts = 0;
    const work = async (_signal: AbortSignal, print: (output: { chunk: Buffer; stream: 'stdout' }) => void): Promise<number> => {
      starts++;
      print({ chunk: Buffer.from('early'), stream: 'stdout' });
      await sleep(10);
      print({ chunk: Buffer.from('late'), stream: 'stdout' });
      return 7;
    };
    const first = waiter();
    const second = waiter();
    const one = shared.run('k', first, work);
    await sleep(1);
    assert.deepEqual(await Promise.all([one, shared.run('k', second, work)]), [7, 7]);
    assert.deepEqual([starts, first.seen, second.seen], [1, ['early', 'late'], ['early', 'late']]);
    await shared.run('k', first, work);
    assert.equal(starts, 2);
  });

  it('goes on when one of two leaves, and is cancelled when the last does', async () => {
    const shared = new SharedWork<string>();
    let cancelled = false;
    const work = (signal: AbortSignal): Promise<string> =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          cancelled = true;
          reject(signal.reason as Error);
        }),
      );
    const a = new AbortController();
    const b = new AbortController();
    const first = shared.run('k', waiter(a.signal), work);
    const second = shared.run('k', waiter(b.signal), work);
    b.abort(new Error('b left'));
    await assert.rejects(second, /b left/);
    assert.equal(cancelled, false);
    a.abort(new Error('a left'));
    await assert.rejects(first, /a left/);
    assert.equal(cancelled, true);
  });
});

describe('slots', () => {
  it('bound how much runs at a time and pass over whoever gave up waiting', async () => {
    const slots = new Slots(1);
    const order: string[] = [];
    const never = new AbortController().signal;
    const gone = new AbortController();
    const first = slots.run(never, async () => {
      order.push('first');
      await sleep(5);
    });
    const quitter = slots.run(gone.signal, () => Promise.resolve(order.push('quitter')));
    const third = slots.run(never, () => Promise.resolve(order.push('third')));
    gone.abort(new Error('enough'));
    await assert.rejects(quitter, /enough/);
    await Promise.all([first, third]);
    assert.deepEqual(order, ['first', 'third']);
  });
});

describe('mapBounded', () => {
  it('keeps the order and stops at the first failure', async () => {
    assert.deepEqual(await mapBounded([3, 1, 2], 2, async (value) => sleep(value, value * 2)), [6, 2, 4]);
    const begun: number[] = [];
    await assert.rejects(mapBounded([1, 2, 3, 4, 5], 1, (value) => (begun.push(value), value === 2 ? Promise.reject(new Error('two')) : Promise.resolve())), /two/);
    assert.deepEqual(begun, [1, 2]);
  });
});
