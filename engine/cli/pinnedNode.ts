import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { start } from '../host/process.ts';

/**
 * Runs this command line again on the Node that Berth pins, when the running one is too old for the engine (no zstd, which
 * came with 22.15). Resolves to the exit status; `undefined`: this Node will do. `script`: the path of the running bundle.
 */
export async function handOver(script: string, args: readonly string[]): Promise<number | undefined> {
  if ('createZstdDecompress' in zlib) return undefined;
  const node = pinnedNode(script);
  if (node === undefined) {
    process.stderr.write(`berth: Node ${process.versions.node} is too old for the engine: it needs 22.15 or later. Install the pinned one with npm start, or put a newer node first on PATH. [NODE_TOO_OLD]\n`);
    return 1;
  }
  const child = start(node, [script, ...args], { stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => void child.kill(name));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** The npm package with the pinned Node, in the clone or the installation that the bundle belongs to. */
function pinnedNode(script: string): string | undefined {
  const name = join('node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  return [join(script, '..', '..', name), join(script, '..', name)].find((path) => existsSync(path));
}
