// npm run test:remote-vm: the engine on a host that is a machine of its own, with systemd and version 2 of control groups, run by QEMU
// (test/remote-vm). Installs what is needed, makes the machine once (.cache/remote-vm), and ends with "N passed, N failed".
// Must itself run on Node 18; needs root, and Debian's packages.
import { Report } from './report.mjs';
import { setupHost, setupPackages, vmTools } from './setup.mjs';

async function main() {
  if (process.arch !== 'x64' || process.getuid?.() !== 0) throw new Error('npm run test:remote-vm runs on x64 Linux, as root (mmdebstrap makes the root file system of the machine): sudo npm run test:remote-vm');
  setupPackages();
  const missing = setupHost(vmTools);
  if (missing.length > 0) throw new Error(`These host programs are missing, and apt could not install them: ${missing.join(', ')}`);
  const report = new Report();
  const { packageEngine } = await import('./package-engine.mjs');
  const ready = (await report.step('the engine for remote hosts', () => packageEngine({ names: ['x64'], refresh: false }))) && (await report.check('the machine', 'test/remote-vm/prepare.ts', []));
  if (ready) await report.suite('remotevm');
  report.finish();
}

await main();
