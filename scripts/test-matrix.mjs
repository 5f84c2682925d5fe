// npm run test:matrix: the whole behaviour suite of containers as root and as an ordinary user, on crun and on runc, one after the other.
// Arguments name corners (root-crun, root-runc, rootless-crun, rootless-runc); none: all. Files of the suite: `needs` in them says what is not for all.
import { readdirSync } from 'node:fs';
import { runTool } from './with-node.mjs';
import { useCgroupV1Everywhere } from './cgroups.mjs';
import { setupHost, testTools } from './setup.mjs';

const folder = 'test/engine/containers';
/** About one corner only, or about an engine in a process of its own, which other suites run as both kinds of user. */
const notHere = ['noCgroups', 'runc', 'userns', 'runFlags', 'execMany'];
/** Machines in containers, which want what root has, or control groups of version 2: those are had by test/remote-vm. */
const ofRoot = ['nested', 'systemd'];
const files = readdirSync(folder).filter((name) => name.endsWith('.host.ts') && !notHere.includes(nameOf(name)));
const filesFor = (corner) => files.filter((name) => corner.startsWith('root-') || !ofRoot.includes(nameOf(name))).map((name) => `${folder}/${name}`);
const corners = process.argv.length > 2 ? process.argv.slice(2) : ['root-crun', 'root-runc', 'rootless-crun', 'rootless-runc'];

if (process.getuid?.() !== 0) {
  console.error('The suite runs real containers, as root and as a user that it makes: sudo npm run test:matrix');
  process.exit(2);
}
setupHost(testTools);
useCgroupV1Everywhere();
const failed = [];
for (const corner of corners) {
  console.log(`\n== ${corner}`);
  if ((await runTool('test/matrix/corner.ts', [...corner.split('-'), '--timeout', '120000', '--slow', '5000', ...filesFor(corner)], { nodeArgs: ['--disable-warning=ExperimentalWarning'] })) !== 0) failed.push(corner);
}
console.log(failed.length === 0 ? `\nAll corners hold: ${corners.join(', ')}` : `\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function nameOf(file) {
  return file.slice(0, -'.host.ts'.length);
}
