// npm test: installs what is needed and runs everything that CI runs. The last line is "N passed, N failed".
// Must itself run on Node 18; the checks and tests run on the pinned Node.
import { Report } from './report.mjs';
import { setupPackages, setupHost, testTools } from './setup.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';

const report = new Report();

async function main() {
  setupPackages();
  const isRoot = process.getuid?.() === 0;
  await report.check('typecheck', 'tsc', ['--noEmit']);
  await report.check('lint', 'eslint', ['.', '--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint']);
  await report.check('layers', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'engine', 'src']);
  await report.check('unused code and dependencies', 'knip', []);
  await report.suite('unit');
  await report.check('build', 'webpack', ['--mode', 'production']);
  if (isRoot) await hostSuites();
  else report.skipped('the engine, compat and vscode suites. They run real containers and need root on Linux: sudo npm test');
  report.finish();
}

async function hostSuites() {
  const missing = setupHost(testTools);
  if (missing.length > 0) console.log(`Missing host programs: ${missing.join(', ')}. Their tests will fail; install them and run again.`);
  useCgroupV1Everywhere();
  await report.suite('engine');
  await report.suite('compat');
  const { setupWorkbench } = await import('./workbench.mjs');
  await report.step('workbench installed', async () => setupWorkbench());
  await report.check('package', 'scripts/package.mjs', []);
  await report.suite('vscode');
}

await main();
