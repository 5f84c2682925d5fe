// What a run of checks and suites adds up to: each step, then "N passed, N failed". Must itself run on Node 18.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node.mjs';

const counts = join(root, '.cache', `test-counts-${process.pid}`);

export class Report {
  total = { passed: 0, failed: 0, skipped: 0 };
  failedSteps = [];

  /** A tool that passes or fails as a whole; whether it passed. */
  check(name, tool, args) {
    return this.step(name, async () => {
      const status = await (await runner())(tool, args, { cwd: root });
      if (status !== 0) throw new Error(`status ${status}`);
    });
  }

  /** Something to do; whether it worked. */
  async step(name, work) {
    const begin = Date.now();
    console.log(`\n== ${name}`);
    try {
      await work();
      this.total.passed += 1;
      console.log(`== ${name}: ok (${seconds(begin)})`);
      return true;
    } catch (error) {
      this.total.failed += 1;
      this.failedSteps.push(name);
      console.log(`== ${name}: FAILED (${error.message})`);
      return false;
    }
  }

  /** A mocha suite; its tests are counted one by one. */
  async suite(name) {
    const begin = Date.now();
    console.log(`\n== ${name} tests`);
    mkdirSync(join(root, '.cache'), { recursive: true });
    rmSync(counts, { force: true });
    const status = await (await runner())('mocha', ['--config', `test/mocha.${name}.json`, '--reporter', 'test/support/countingReporter.cjs', '--forbid-only'], { cwd: root, env: { BERTH_TEST_COUNTS: counts } });
    const result = readCounts();
    this.total.passed += result?.passes ?? 0;
    this.total.failed += result?.failures ?? 0;
    this.total.skipped += result?.pending ?? 0;
    // A suite that died, or ran nothing at all, is a failure of its own.
    if (result === undefined || (status !== 0 && result.failures === 0) || result.passes + result.failures === 0) this.total.failed += 1;
    if (status !== 0) this.failedSteps.push(`${name} tests`);
    console.log(`== ${name} tests: ${status === 0 ? 'ok' : 'FAILED'} (${seconds(begin)})`);
  }

  skipped(what) {
    console.log(`\nSkipped: ${what}`);
    this.total.skipped += 1;
  }

  /** Prints the sum and sets the exit status. */
  finish() {
    const { passed, failed, skipped } = this.total;
    if (this.failedSteps.length > 0) console.log(`\nFailed: ${this.failedSteps.join(', ')}`);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    process.exitCode = failed === 0 ? 0 : 1;
  }
}

/** Loaded when needed: npm packages may have to be installed first. */
async function runner() {
  return (await import('./with-node.mjs')).runTool;
}

function readCounts() {
  try {
    return JSON.parse(readFileSync(counts, 'utf8').trim().split('\n').at(-1));
  } catch {
    return undefined;
  } finally {
    rmSync(counts, { force: true });
  }
}

const seconds = (begin) => `${((Date.now() - begin) / 1000).toFixed(1)} s`;
