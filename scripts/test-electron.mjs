// Runs the suites of test/vscode/suite in a desktop VS Code, which @vscode/test-electron downloads, against an engine of its own.
// Run by the pinned Node: node scripts/with-node.mjs scripts/test-electron.mjs. Needs root for the engine, and a display (or xvfb-run).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSuite } from './build-suite.mjs';
import { root } from './node.mjs';
import { runTool } from './with-node.mjs';

/** The oldest VS Code that package.json promises, unless VSCODE_VERSION names another. */
const version = process.env.VSCODE_VERSION ?? '1.99.3';

async function editor() {
  const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
  try {
    return await downloadAndUnzipVSCode({ version, cachePath: join(root, '.cache', 'vscode-test') });
  } catch (error) {
    throw new Error(
      `VS Code ${version} could not be downloaded: ${error.message}\nThis suite needs the way to update.code.visualstudio.com (set HTTPS_PROXY if there is one). ` +
        'The same suites run without it, in the extension host of the workbench that npm has: npm run test:vscode',
      { cause: error },
    );
  }
}

async function main() {
  if (process.getuid?.() !== 0) throw new Error('The engine of these tests runs real containers and needs root: sudo npm run test:electron');
  const vscodeExecutablePath = await editor();
  const status = await runTool('webpack', ['--mode', 'production'], { cwd: root });
  if (status !== 0) throw new Error(`webpack ended with status ${status}`);
  const extensionTestsPath = await buildSuite();
  const { runTests } = await import('@vscode/test-electron');
  const { startSuiteEngine } = await import('../test/vscode/support/suiteEngine.ts');
  const engine = await startSuiteEngine('vsce');
  const userData = mkdtempSync(join(tmpdir(), 'berth-electron-'));
  try {
    const launchArgs = ['--no-sandbox', '--disable-gpu', '--disable-workspace-trust', '--disable-extensions', '--user-data-dir', userData];
    await runTests({ vscodeExecutablePath, extensionDevelopmentPath: root, extensionTestsPath, launchArgs, extensionTestsEnv: engine.env });
  } finally {
    rmSync(userData, { recursive: true, force: true });
    await engine.remove();
  }
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
