// Builds the bundles and packs them: dist/berth-<version>.vsix. `--skip-build` packs what dist holds. `--with-archives` packs the engines
// for remote hosts with it, too: dist/berth-<version>-with-archives.vsix.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { engineBundles } from './build.mjs';
import { architectures } from './engine-archive/contents.mjs';
import { nativeFile } from './native.mjs';
import { packageEngine } from './package-engine.mjs';
import { root } from './node.mjs';
import { runTool } from './with-node.mjs';

/** What must be inside for the engine to run where the extension is installed. */
const needed = ['dist/extension.cjs', ...engineBundles.map((name) => `dist/${name}`), 'dist/native/native.cjs', `dist/native/${nativeFile(process.arch)}`, 'LICENSE', 'media/icon.png', 'l10n/bundle.l10n.ko.json'];

/** Packs the extension and returns the path of the .vsix. `archives`: with the engines for remote hosts, made first where something in them changed. */
export async function packageExtension({ build = true, archives = false, packagePath } = {}) {
  if (build) {
    const status = await runTool('webpack', ['--mode', 'production'], { cwd: root });
    if (status !== 0) throw new Error(`webpack ended with status ${status}`);
  }
  if (archives) await packageEngine({ refresh: false });
  for (const path of needed) if (!existsSync(join(root, path))) throw new Error(`${path} is missing: the package would not work`);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const path = packagePath ?? join(root, 'dist', `berth-${version}${archives ? '-with-archives' : ''}.vsix`);
  const ignoreFile = archives ? ignoringLess() : undefined;
  try {
    await createVSIX({ cwd: root, packagePath: path, dependencies: false, skipLicense: true, rewriteRelativeLinks: false, ...(ignoreFile ? { ignoreFile } : {}) });
  } finally {
    if (ignoreFile) rmSync(ignoreFile);
  }
  return path;
}

/** .vscodeignore without the archives. */
function ignoringLess() {
  const path = join(root, '.cache', `vscodeignore-${process.pid}`);
  writeFileSync(path, `${readFileSync(join(root, '.vscodeignore'), 'utf8')}!dist/berth-engine-linux-*\n`);
  return path;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const path = await packageExtension({ build: !process.argv.includes('--skip-build'), archives: process.argv.includes('--with-archives') });
  console.log(`${path}  ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  const lacking = Object.keys(architectures).filter((name) => !existsSync(join(root, 'dist', 'native', nativeFile(name))));
  if (lacking.length > 0) console.log(`Without the add-on for ${lacking.join(', ')}: there its engine can attach to no container. npm run package -- --with-archives has it.`);
}
