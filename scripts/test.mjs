// npm test: installs what is needed and runs everything that CI runs. The last line is "N passed, N failed".
// Must itself run on Node 18; the checks and tests run on the pinned Node.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node.mjs';
import { setupPackages, setupHost, testTools } from './setup.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';

const counts = join(root, '.cache', `test-counts-${process.pid}`);
const total = { passed: 0, failed: 0, skipped: 0 };
const failedSteps = [];
let runTool;

async function main() {
  setupPackages();
  ({ runTool } = await import('./with-node.mjs'));
  mkdirSync(join(root, '.cache'), { recursive: true });
  const isRoot = process.getuid?.() === 0;
  await check('typecheck', 'tsc', ['--noEmit']);
  await check('lint', 'eslint', ['.', '--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint']);
  await check('layers', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'engine', 'src']);
  await check('unused code and dependencies', 'knip', []);
  await suite('unit');
  await check('build', 'webpack', ['--mode', 'production']);
  if (isRoot) await hostSuites();
  else skipHost();
  finish();
}

async function hostSuites() {
  const missing = setupHost(testTools);
  if (missing.length > 0) console.log(`Missing host programs: ${missing.join(', ')}. Their tests will fail; install them and run again.`);
  useCgroupV1Everywhere();
  await suite('engine');
  await suite('compat');
  const { setupWorkbench } = await import('./workbench.mjs');
  await step('workbench installed', async () => setupWorkbench());
  await check('package', 'scripts/package.mjs', []);
  await suite('vscode');
}

function skipHost() {
  console.log('\nSkipped: the engine, compat and vscode suites. They run real containers and need root on Linux: sudo npm test');
  total.skipped += 1;
}

/** A tool that passes or fails as a whole. */
async function check(name, tool, args) {
  await step(name, async () => {
    const status = await runTool(tool, args, { cwd: root });
    if (status !== 0) throw new Error(`status ${status}`);
  });
}

async function step(name, work) {
  const begin = Date.now();
  console.log(`\n== ${name}`);
  try {
    await work();
    total.passed += 1;
    console.log(`== ${name}: ok (${seconds(begin)})`);
  } catch (error) {
    total.failed += 1;
    failedSteps.push(name);
    console.log(`== ${name}: FAILED (${error.message})`);
  }
}

/** A mocha suite; its tests are counted one by one. */
async function suite(name) {
  const begin = Date.now();
  console.log(`\n== ${name} tests`);
  rmSync(counts, { force: true });
  const status = await runTool('mocha', ['--config', `test/mocha.${name}.json`, '--reporter', 'test/support/countingReporter.cjs', '--forbid-only'], { cwd: root, env: { BERTH_TEST_COUNTS: counts } });
  const result = readCounts();
  total.passed += result?.passes ?? 0;
  total.failed += result?.failures ?? 0;
  total.skipped += result?.pending ?? 0;
  // A suite that died, or ran nothing at all, is a failure of its own.
  if (result === undefined || (status !== 0 && result.failures === 0) || result.passes + result.failures === 0) total.failed += 1;
  if (status !== 0) failedSteps.push(`${name} tests`);
  console.log(`== ${name} tests: ${status === 0 ? 'ok' : 'FAILED'} (${seconds(begin)})`);
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

function finish() {
  if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join(', ')}`);
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

const seconds = (begin) => `${((Date.now() - begin) / 1000).toFixed(1)} s`;

await main();
