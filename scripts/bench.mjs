// npm run bench: measures Berth against Docker on this machine and prints the table of docs/benchmarks.md. Needs root.
// Options go to test/bench/main.ts: --rounds 30 --builds 5 --only run,exec --without-docker; --no-build uses dist as it is.
import { setupHost, setupPackages, benchTools } from './setup.mjs';
import { buildIfNeeded } from './build.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';

if (process.getuid?.() !== 0) {
  console.error('The bench runs real containers on both engines and needs root on Linux: sudo npm run bench');
  process.exit(1);
}
const args = process.argv.slice(2);
setupPackages();
setupHost(benchTools);
useCgroupV1Everywhere();
const { runTool } = await import('./with-node.mjs');
if (!args.includes('--no-build')) await buildIfNeeded();
process.exit(await runTool('test/bench/main.ts', args.filter((arg) => arg !== '--no-build')));
