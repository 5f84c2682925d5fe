import assert from 'node:assert/strict';
import { afterLook, mergeHealthcheck, planHealth, startingHealth, untilNextLook } from '../../../engine/containers/health/healthPlan.ts';
import type { Health, HealthPlan } from '../../../engine/containers/health/healthPlan.ts';

const started = '2026-01-01T00:00:00.000Z';
const at = (seconds: number): string => new Date(Date.parse(started) + seconds * 1000).toISOString();
const look = (ExitCode: number, seconds = 100) => ({ Start: at(seconds), End: at(seconds + 1), ExitCode, Output: '' });
const plan: HealthPlan = { command: ['true'], interval: 30_000, timeout: 30_000, startPeriod: 10_000, startInterval: 2_000, retries: 2 };
const after = (health: Health, ...looks: ReturnType<typeof look>[]): Health => looks.reduce((known, one) => afterLook(known, one, plan, started), health);

describe('planHealth', () => {
  it('has Docker’s defaults', () => {
    assert.deepEqual(planHealth({ Test: ['CMD', 'curl', '-f', 'x'] }), { command: ['curl', '-f', 'x'], interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5_000, retries: 3 });
    assert.deepEqual(planHealth({ Test: ['CMD-SHELL', 'a || b'], Interval: 1e9, Retries: 7 })?.command, ['/bin/sh', '-c', 'a || b']);
  });

  it('is none without a test, or with NONE', () => {
    for (const check of [undefined, null, {}, { Test: [] }, { Test: ['NONE'] }]) assert.equal(planHealth(check), undefined);
  });
});

describe('mergeHealthcheck', () => {
  const image = { Test: ['CMD', 'a'], Interval: 5, Retries: 2 };
  it('takes the image’s, what the request replaces, and nothing after NONE', () => {
    assert.deepEqual(mergeHealthcheck(image, undefined), image);
    assert.deepEqual(mergeHealthcheck(image, { Interval: 9, Retries: 0, Test: [] }), { Test: ['CMD', 'a'], Interval: 9, Retries: 2 });
    assert.deepEqual(mergeHealthcheck(image, { Test: ['NONE'] }), { Test: ['NONE'] });
    assert.equal(mergeHealthcheck(undefined, { Interval: 9 }), undefined);
  });
});

describe('afterLook', () => {
  it('is healthy after one success, unhealthy after so many failures in a row', () => {
    assert.equal(after(startingHealth, look(0)).status, 'healthy');
    assert.deepEqual([after(startingHealth, look(1)).status, after(startingHealth, look(1)).failingStreak], ['starting', 1]);
    assert.equal(after(startingHealth, look(1), look(1)).status, 'unhealthy');
    assert.equal(after(startingHealth, look(0), look(1), look(0), look(1)).status, 'healthy');
    assert.equal(after(startingHealth, look(1), look(1), look(0)).status, 'healthy');
  });

  it('forgives failures in the start period, until the first success', () => {
    assert.deepEqual(after(startingHealth, look(1, 1), look(1, 5), look(1, 9)).failingStreak, 0);
    assert.equal(after(startingHealth, look(0, 1), look(1, 3), look(1, 5)).status, 'unhealthy');
  });

  it('keeps five looks', () => {
    assert.deepEqual(after(startingHealth, ...[1, 2, 3, 4, 5, 6, 7].map((code) => look(code))).log.map(({ ExitCode }) => ExitCode), [3, 4, 5, 6, 7]);
  });
});

describe('untilNextLook', () => {
  it('looks more often in the start period, while it is starting', () => {
    const now = (seconds: number): number => Date.parse(at(seconds));
    assert.equal(untilNextLook(startingHealth, plan, started, now(5)), 2_000);
    assert.equal(untilNextLook(startingHealth, plan, started, now(15)), 30_000);
    assert.equal(untilNextLook({ ...startingHealth, status: 'healthy' }, plan, started, now(5)), 30_000);
  });
});
