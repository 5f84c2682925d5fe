// npm run test:soak -- --kills 1000 --seed 4711: kills the engine with SIGKILL at moments that the seed decides, under load, and holds what it
// acknowledged, what the kernel says and what berth system check says against each other. Needs root on Linux. A failure says its seed.
//   npm run test:soak -- --only pulls --kills 200: kills an engine while it pulls; afterwards the store verifies, and no whole layer is downloaded again.
import { setupHost, setupPackages, testTools } from './setup.mjs';
import { buildIfNeeded } from './build.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';

if (process.getuid?.() !== 0) {
  console.error('The soak runs real containers and needs root on Linux: sudo npm run test:soak');
  process.exit(1);
}
const args = process.argv.slice(2);
const valueOf = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const parts = {
  engine: { file: 'test/faults/engineKills.host.ts', kills: '1000', variable: 'BERTH_FAULT_KILLS' },
  pulls: { file: 'test/faults/pullKills.host.ts', kills: '200', variable: 'BERTH_PULL_KILLS' },
};
const wanted = args.includes('--only') ? [valueOf('--only')] : Object.keys(parts);
if (wanted.some((name) => !(name in parts))) {
  console.error(`--only takes ${Object.keys(parts).join(' or ')}`);
  process.exit(1);
}
for (const name of wanted) process.env[parts[name].variable] = valueOf('--kills', parts[name].kills);
process.env.BERTH_FAULT_SEED = valueOf('--seed', String(Date.now() % 1_000_000));
setupPackages();
setupHost(testTools);
useCgroupV1Everywhere();
if (!args.includes('--no-build')) await buildIfNeeded();
const { runTool } = await import('./with-node.mjs');
process.exit(await runTool('mocha', ['--no-config', '--timeout', '0', '--exit', ...wanted.map((name) => parts[name].file)]));
