// Runs a tool under the Node that Berth pins in package.json, whatever Node started npm.
// Usage: node scripts/with-node.mjs <tool in node_modules/.bin, or a file> [args…]
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { pinnedEnvironment, pinnedNode, resolveTool } from './node.mjs';

/** Runs `tool` with the pinned Node and resolves to its exit status. */
export function runTool(tool, args, options = {}) {
  const child = spawn(pinnedNode(), [...(options.nodeArgs ?? []), resolveTool(tool), ...args], {
    stdio: options.stdio ?? 'inherit',
    cwd: options.cwd,
    env: { ...pinnedEnvironment(), ...options.env },
  });
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => child.kill(name));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [tool, ...args] = process.argv.slice(2);
  if (tool === undefined) {
    console.error('usage: with-node.mjs <tool> [args…]');
    process.exit(2);
  }
  process.exit(await runTool(tool, args));
}
