// npm start: from a fresh machine to the sample running in its dev container. Must itself run on Node 18.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfNeeded } from './build.mjs';
import { pinnedEnvironment, pinnedNode, root } from './node.mjs';
import { engineTools, setupHost, setupPackages } from './setup.mjs';

const berth = join(root, 'dist', 'berth.cjs');
const sample = join(root, 'samples', 'hello');

async function main() {
  if (process.platform !== 'linux') throw new Error('The engine runs on Linux. On this system, install the extension and connect to a Linux host.');
  setupPackages();
  await buildIfNeeded();
  if (process.getuid?.() !== 0) {
    console.log('Built: dist/berth.cjs and dist/extension.cjs. Skipped: installing host packages, and the sample, whose user is not root: that needs root (sudo npm start). An engine of your own: node dist/berth.cjs doctor says what it needs');
    return;
  }
  const missing = setupHost(engineTools).filter((name) => !['crun', 'runc'].includes(name));
  if (missing.length > 0) console.log(`Not found on this host: ${missing.join(', ')}. Trying anyway; berth doctor says more.`);
  await run(['engine', 'start']);
  await run(['up', sample]);
  // 8000 on this host too, unless something else listens there.
  const { local } = JSON.parse(await run(['ports', sample, '--json'])).find(({ port }) => port === 8000);
  const url = `http://${local.host}:${local.port}`;
  if ((await answer(url)) === undefined) await run(['exec', '--folder', sample, '--detach', '--', 'python3', '-m', 'hello']);
  console.log(await greeting(url));
}

/** Runs a berth command and returns its output; progress and errors go to the terminal. */
function run(args) {
  return new Promise((resolve, reject) => {
    // Trying the sample changes nothing in the user's SSH configuration.
    const child = spawn(pinnedNode(), [berth, ...args], { stdio: ['inherit', 'pipe', 'inherit'], env: { ...pinnedEnvironment(), BERTH_SSH_CONFIG: '0' } });
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.once('error', reject);
    child.once('close', (status) => (status === 0 ? resolve(out) : reject(new Error(`berth ${args.join(' ')} ended with status ${status}`))));
  });
}

async function greeting(url) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const text = await answer(url);
    if (text !== undefined) return message(url, text);
    if (Date.now() > deadline) throw new Error(`The sample does not answer on ${url}. Look inside: node dist/berth.cjs shell ${sample}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function answer(url) {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) });
    return response.ok ? (await response.text()).trim() : undefined;
  } catch {
    return undefined;
  }
}

function message(url, text) {
  const editor = ['code', 'codium', 'cursor', 'code-server'].find((name) => spawnSync('which', [name]).status === 0) ?? 'code';
  return `
The sample answers from inside its dev container: "${text}"
  open it       ${url}
  look around   node dist/berth.cjs shell ${sample}
  its tests     node dist/berth.cjs exec --folder ${sample} -- python3 -m unittest
  in VS Code    npm run package, then ${editor} --install-extension dist/berth-0.1.0.vsix
  stop it       node dist/berth.cjs stop ${sample}
`;
}

await main().catch((error) => {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
});
