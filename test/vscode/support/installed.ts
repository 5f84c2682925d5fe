import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Where scripts/workbench.mjs and scripts/package.mjs put what the tests drive. */
const root = resolve(import.meta.dirname, '../../..');

export const repository = root;
/** What BERTH_EDITOR_SERVER takes. */
export const serverFolder = resolve(root, '.cache/workbench/node_modules/code-server/lib/vscode');
export const serverEntry = resolve(serverFolder, 'out/server-main.js');
export const chromiumPath = process.env['BERTH_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** The package that `npm run package` made last. */
export function vsix(): string {
  const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string };
  const path = resolve(root, 'dist', `berth-${version}.vsix`);
  if (!existsSync(path)) throw new Error(`${path} is not there: npm run package`);
  return path;
}
