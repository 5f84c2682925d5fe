import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import type { SuiteResult } from '../suite/runMocha.ts';
import { repository } from './installed.ts';
import { launchBrowser } from './workbenchPage.ts';
import { WorkbenchServer } from './workbenchServer.ts';

const suiteMs = 150_000;

/** Builds the suites of test/vscode/suite and runs them inside the extension host of a real workbench. */
export async function runSuite(env: NodeJS.ProcessEnv): Promise<SuiteResult> {
  const { stdout } = await run(process.execPath, [join(repository, 'scripts/build-suite.mjs')]);
  const suite = stdout.trim().split('\n').at(-1) ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'berth-suite-'));
  const resultPath = join(folder, 'result.json');
  const server = await WorkbenchServer.start({ env: { ...env, BERTH_SUITE_RESULT: resultPath }, serverArgs: ['--enable-smoke-test-driver'] });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const log: string[] = [];
    await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => void log.push(args.map(String).join(' ')));
    const ended = new Promise<number>((resolve) => void page.exposeFunction('codeAutomationExit', resolve));
    const remote = (path: string): string => `vscode-remote://localhost:${server.port}${path}`;
    await page.goto(server.url(folder, [['extensionDevelopmentPath', remote(repository)], ['extensionTestsPath', remote(suite)]]));
    await Promise.race([ended, new Promise((_resolve, reject) => setTimeout(() => reject(new Error(`the suites did not end:\n${log.slice(-20).join('\n')}`)), suiteMs).unref())]);
    return JSON.parse(await readFile(resultPath, 'utf8')) as SuiteResult;
  } finally {
    await browser.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
