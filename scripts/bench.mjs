// npm run bench: measures Berth against Docker (and some rows against podman) on this machine and prints the table of docs/benchmarks.md. Needs root.
// Options go to test/bench/main.ts: --rounds 30 --builds 5 --only run,exec --without-docker --without-podman --without-buildah; --no-build uses dist as it is.
import { setupHost, setupPackages, engineTools, testTools } from './setup.mjs';
import { buildIfNeeded } from './build.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';

if (process.getuid?.() !== 0) {
  console.error('The bench runs real containers on both engines and needs root on Linux: sudo npm run bench');
  process.exit(1);
}
const args = process.argv.slice(2);
setupPackages();
const without = (name) => args.includes(`--without-${name}`);
setupHost({ ...engineTools, ...(without('docker') ? {} : { dockerd: testTools.dockerd }), ...(without('podman') ? {} : { podman: testTools.podman }), ...(without('buildah') ? {} : { buildah: 'buildah' }) });
useCgroupV1Everywhere();
const { runTool } = await import('./with-node.mjs');
if (!args.includes('--no-build')) await buildIfNeeded();
process.exit(await runTool('test/bench/main.ts', args.filter((arg) => arg !== '--no-build')));
