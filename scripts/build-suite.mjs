// Bundles the mocha suites that run inside the extension host: out/suite/index.cjs.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './node.mjs';

export const suite = join(root, 'out/suite/index.cjs');

/** Builds the suites; throws with webpack's messages when that fails. */
export async function buildSuite() {
  const { default: webpack } = await import('webpack');
  const { default: configurations } = await import('../webpack.config.js');
  const extension = configurations.find((configuration) => configuration.name === 'extension');
  const configuration = {
    ...extension,
    name: 'suite',
    mode: 'none',
    entry: { index: join(root, 'test/vscode/suite/runMocha.ts') },
    externals: { vscode: 'commonjs vscode', mocha: 'import mocha' },
    output: { path: join(root, 'out/suite'), filename: '[name].cjs', chunkFilename: '[id].cjs', libraryTarget: 'commonjs2' },
  };
  const stats = await new Promise((resolve, reject) => webpack(configuration, (error, result) => (error ? reject(error) : resolve(result))));
  if (stats.hasErrors()) throw new Error(stats.toString({ preset: 'errors-only' }));
  return suite;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await buildSuite());
