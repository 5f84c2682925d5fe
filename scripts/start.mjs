// npm start: from a fresh machine to the sample running in its dev container. Must itself run on Node 18.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfNeeded } from './build.mjs';
import { pinnedEnvironment, pinnedNode, root } from './node.mjs';
import { engineTools, setupHost, setupPackages } from './setup.mjs';

const berth = join(root, 'dist', 'berth.cjs');
const sample = join(root, 'samples', 'hello');
const port = 8000;

async function main() {
  if (process.platform !== 'linux') throw new Error('The engine runs on Linux. On this system, install the extension and connect to a Linux host.');
  setupPackages();
  await buildIfNeeded();
  if (process.getuid?.() !== 0) {
    console.log('Built: dist/berth.cjs and dist/extension.cjs. Skipped: installing host packages, the engine and the sample, which need root in this version: sudo npm start');
    return;
  }
  const missing = setupHost(engineTools).filter((name) => !['crun', 'runc'].includes(name));
  if (missing.length > 0) console.log(`Not found on this host: ${missing.join(', ')}. Trying anyway; berth doctor says more.`);
  await run(['engine', 'start']);
  await run(['up', sample]);
  if ((await answer()) === undefined) await run(['exec', '--folder', sample, '--detach', '--', 'python3', '-m', 'hello']);
  console.log(await greeting());
}

/** Runs a berth command; its output goes to the terminal. */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(pinnedNode(), [berth, ...args], { stdio: 'inherit', env: pinnedEnvironment() });
    child.once('error', reject);
    child.once('exit', (status) => (status === 0 ? resolve() : reject(new Error(`berth ${args.join(' ')} ended with status ${status}`))));
  });
}

async function greeting() {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const text = await answer();
    if (text !== undefined) return message(text);
    if (Date.now() > deadline) throw new Error(`The sample does not answer on http://localhost:${port}. See: berth logs, berth exec --folder ${sample} -- ps aux`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function answer() {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2000) });
    return response.ok ? (await response.text()).trim() : undefined;
  } catch {
    return undefined;
  }
}

function message(text) {
  const editor = ['code', 'codium', 'cursor', 'code-server'].find((name) => spawnSync('which', [name]).status === 0) ?? 'code';
  return `
The sample answers from inside its dev container: "${text}"
  open it       http://localhost:${port}
  look around   node dist/berth.cjs shell ${sample}
  its tests     node dist/berth.cjs exec --folder ${sample} -- python3 -m unittest
  in VS Code    npm run package, then ${editor} --install-extension berth-0.1.0.vsix
  stop it       node dist/berth.cjs stop ${sample}
`;
}

await main().catch((error) => {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
});
