// Installs what the extension's tests drive: a real VS Code workbench (code-server, from npm, without a compiler) into
// .cache/workbench, and Chromium from the host's packages. Does nothing when both are there. Exports where things are.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pinnedEnvironment, pinnedNode, root } from './node.mjs';

const manifest = join(root, 'test/vscode/workbench');
const home = join(root, '.cache/workbench');
const vscode = join(home, 'node_modules/code-server/lib/vscode');
const stamp = join(home, 'installed.json');
/** How a server from npm is made whole: as the engine does it for dev containers. */
const release = JSON.parse(readFileSync(join(root, 'engine/devcontainers/web/install/release.json'), 'utf8'));

/** VS Code's own server entry: `node <this> --host … --port …`. */
export const serverEntry = join(vscode, 'out/server-main.js');
export const chromium = process.env.BERTH_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** A digest of all that decides what is installed. */
function wanted() {
  const hash = createHash('sha256').update(process.arch);
  for (const name of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(manifest, name)));
  return hash.digest('hex');
}

function isInstalled() {
  return existsSync(stamp) && existsSync(serverEntry) && JSON.parse(readFileSync(stamp, 'utf8')).wanted === wanted();
}

function run(program, args, cwd) {
  const result = spawnSync(program, args, { cwd, env: { ...pinnedEnvironment(), DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (result.error) throw new Error(`${program} could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')} failed in ${cwd}:\n${(result.stdout + result.stderr).slice(-4000)}`);
}

/** npm of the Node that runs this script, or of PATH; npm's command differs from its JavaScript entry only in the start. */
function npm(args, cwd) {
  const beside = join(dirname(pinnedNode()), 'npm');
  run(existsSync(beside) ? beside : 'npm', [...args, '--no-audit', '--no-fund'], cwd);
}

function link(target, path) {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

/** Installs the workbench; an installation cut short has no stamp and is begun again. */
function installWorkbench(say) {
  if (isInstalled()) return;
  say('Installing the VS Code workbench for the tests (about a minute, 600 MB in .cache/workbench)');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(manifest, name), join(home, name));
  npm(['ci', '--ignore-scripts'], home);
  for (const folder of release.packages) npm(['install', '--omit=dev', '--ignore-scripts'], join(vscode, folder));
  for (const [path, target] of Object.entries(release.links)) link(target, join(vscode, path));
  writeFileSync(stamp, JSON.stringify({ wanted: wanted() }));
}

/** Installs Chromium with apt when it is missing; needs root for that. */
function installChromium(say) {
  if (existsSync(chromium)) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(`${chromium} is missing: install it (Debian: apt-get install chromium fonts-dejavu-core), or set BERTH_TEST_CHROMIUM`);
  }
  say('Installing Chromium for the tests');
  const apt = ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'];
  try {
    run('apt-get', apt, '/');
  } catch {
    run('apt-get', ['update'], '/');
    run('apt-get', apt, '/');
  }
}

/** All that the extension's tests drive. */
export function setupWorkbench(say = console.log) {
  installWorkbench(say);
  installChromium(say);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setupWorkbench();
  console.log(`Workbench: ${serverEntry}\nChromium: ${chromium}`);
}
