// npm run test:soak -- --kills 1000 --seed 4711: kills the engine with SIGKILL at moments that the seed decides, under load, and holds what it
// acknowledged, what the kernel says and what berth system check says against each other. Needs root on Linux. A failure says its seed.
import { setupHost, setupPackages, testTools } from './setup.mjs';
import { buildIfNeeded } from './build.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';

if (process.getuid?.() !== 0) {
  console.error('The soak runs real containers and needs root on Linux: sudo npm run test:soak');
  process.exit(1);
}
const args = process.argv.slice(2);
const valueOf = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
process.env.BERTH_FAULT_KILLS = valueOf('--kills', '1000');
process.env.BERTH_FAULT_SEED = valueOf('--seed', String(Date.now() % 1_000_000));
setupPackages();
setupHost(testTools);
useCgroupV1Everywhere();
if (!args.includes('--no-build')) await buildIfNeeded();
const { runTool } = await import('./with-node.mjs');
process.exit(await runTool('mocha', ['--no-config', '--timeout', '0', '--exit', 'test/faults/engineKills.host.ts']));
