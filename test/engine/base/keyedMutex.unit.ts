import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { KeyedMutex } from '../../../engine/base/keyedMutex.ts';

describe('KeyedMutex', () => {
  it('runs work under one key in order, also after a failure, and other keys beside it', async () => {
    const mutex = new KeyedMutex();
    const order: string[] = [];
    const slow = mutex.run('a', async () => {
      await delay(10);
      order.push('a1');
      throw new Error('a1 failed');
    });
    const next = mutex.run('a', () => Promise.resolve(order.push('a2')));
    const other = mutex.run('b', () => Promise.resolve(order.push('b1')));
    await assert.rejects(slow, /a1 failed/);
    await Promise.all([next, other]);
    assert.deepEqual(order, ['b1', 'a1', 'a2']);
  });
});
