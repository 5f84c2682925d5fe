// Builds dist/ when a source is newer than it. Must itself run on Node 18.
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node.mjs';

/** Files of dist that the engine and its command line consist of, beside the add-on. */
export const engineBundles = ['berth.cjs', 'berth-main.cjs', 'berth-engine.cjs', 'endpoint-agent.cjs', 'unpack-worker.cjs'];

const outputs = [...engineBundles, 'extension.cjs'].map((name) => join(root, 'dist', name));
const inputs = ['engine', 'src', 'webpack.config.js', 'scripts/ascii-loader.cjs', 'package-lock.json', 'tsconfig.json'].map((name) => join(root, name));

/** Runs webpack unless all bundles are newer than every source. */
export async function buildIfNeeded() {
  if (isFresh()) return;
  console.log('Building the engine and the extension …');
  const { runTool } = await import('./with-node.mjs');
  const status = await runTool('webpack', ['--mode', 'production', '--stats', 'errors-only'], { cwd: root });
  if (status !== 0) throw new Error(`webpack failed with status ${status}`);
  // webpack leaves a file alone when its contents are the same: without this it would look old for ever.
  for (const path of outputs) utimesSync(path, new Date(), new Date());
}

function isFresh() {
  if (!outputs.every((path) => existsSync(path))) return false;
  const built = Math.min(...outputs.map((path) => statSync(path).mtimeMs));
  return inputs.every((path) => newest(path) <= built);
}

function newest(path) {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
