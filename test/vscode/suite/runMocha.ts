import { writeFileSync } from 'node:fs';
import type Mocha from 'mocha';

export interface SuiteResult {
  readonly passed: string[];
  readonly failed: Array<{ title: string; message: string }>;
}

/**
 * What the editor calls inside its extension host. Runs the suites with mocha and writes the result, as JSON, to the file
 * that BERTH_SUITE_RESULT names. Rejects when a test failed.
 */
export async function run(): Promise<void> {
  const { default: MochaClass } = await import('mocha');
  const mocha = new MochaClass({ ui: 'bdd', timeout: 60_000, reporter: 'dot' });
  mocha.suite.emit('pre-require', globalThis, 'suite', mocha);
  await import('./activation.suite.ts');
  await import('./containers.suite.ts');
  await import('./reopen.suite.ts');
  await import('./words.suite.ts');
  const result: SuiteResult = { passed: [], failed: [] };
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on('pass', (test: Mocha.Test) => result.passed.push(test.fullTitle()));
    runner.on('fail', (test: Mocha.Test, error: Error) => result.failed.push({ title: test.fullTitle(), message: error.stack ?? error.message }));
  });
  const path = process.env['BERTH_SUITE_RESULT'];
  if (path !== undefined) writeFileSync(path, JSON.stringify(result));
  if (failures > 0) throw new Error(`${failures} tests failed inside the extension host`);
}
