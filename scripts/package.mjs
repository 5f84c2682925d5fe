// Builds the bundles and packs them: dist/berth-<version>.vsix. `--skip-build` packs what dist holds.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { nativeFile } from './native.mjs';
import { root } from './node.mjs';
import { runTool } from './with-node.mjs';

/** What must be inside for the engine to run where the extension is installed. */
const needed = ['dist/extension.cjs', 'dist/berth.cjs', 'dist/endpoint-agent.cjs', 'dist/native/seqpacket.cjs', `dist/native/${nativeFile(process.arch)}`, 'LICENSE', 'media/icon.png', 'l10n/bundle.l10n.ko.json'];

/** Packs the extension and returns the path of the .vsix. */
export async function packageExtension({ build = true, packagePath } = {}) {
  if (build) {
    const status = await runTool('webpack', ['--mode', 'production'], { cwd: root });
    if (status !== 0) throw new Error(`webpack ended with status ${status}`);
  }
  for (const path of needed) if (!existsSync(join(root, path))) throw new Error(`${path} is missing: the package would not work`);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const path = packagePath ?? join(root, 'dist', `berth-${version}.vsix`);
  await createVSIX({ cwd: root, packagePath: path, dependencies: false, skipLicense: true, rewriteRelativeLinks: false });
  return path;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await packageExtension({ build: !process.argv.includes('--skip-build') }));
}
