import { existsSync } from 'node:fs';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { cgroupFacts } from '../../engine/host/cgroups.ts';
import { removeCgroupParent, removeCgroupsBelow } from '../../engine/host/cgroupTrees.ts';
import { ipBatch, listBridges } from '../../engine/host/ip.ts';
import { unmountInside } from '../../engine/host/mounts.ts';
import { familyOf } from '../../engine/host/namespaceMembers.ts';
import { listNetns } from '../../engine/host/netns.ts';
import { removeNftTable } from '../../engine/host/nft.ts';
import { identify, signalProcess } from '../../engine/host/processIdentity.ts';
import { bridgeName } from '../../engine/networks/bridges.ts';
import { tableName } from '../../engine/networks/ruleset.ts';
import { removeTestUser, userProcesses } from './ordinaryUser.ts';
import { removeTestRoot, testRoots } from './testRoots.ts';
import type { TestRoot } from './testRoots.ts';

const SIGKILL = 9;

/**
 * Takes away what test runs that were killed have left on this host: of folders whose owner is on record and no more, the processes, mounts, network
 * namespaces, links, nft tables, control groups and users, and then the folder; bridges whose engine's data is gone; namespaces of benchmarks that ended.
 * Nothing of a run that goes on, and nothing that does not say whose it is. Returns what it took, as lines for people.
 */
export async function sweepDeadRuns(): Promise<string[]> {
  const all = await testRoots();
  const live = new Set(all.filter(({ alive }) => alive).map(({ instance }) => instance));
  const swept: string[] = [];
  for (const one of all.filter(({ alive }) => !alive)) {
    // A run that goes on may have taken the same names since.
    await sweepRoot(one, one.instance !== undefined && !live.has(one.instance) ? one.instance : undefined);
    swept.push(`folder ${one.root}`);
  }
  return [...swept, ...(await sweepBridges()), ...(await sweepBenchNamespaces())];
}

async function sweepRoot({ root, user }: TestRoot, instance: string | undefined): Promise<void> {
  // Those of containers first seen as children of their monitors, then again: a restart policy may have been at work.
  for (let round = 0; round < 2; round++) for (const pid of await processesBelow(root)) for (const member of await familyOf(pid)) kill(member);
  if (user !== undefined) for (const pid of await userProcesses(user)) kill(pid);
  if (instance !== undefined) await sweepKernel(instance);
  await unmountInside(root);
  if (user !== undefined) await removeTestUser(user);
  await removeTestRoot(root);
}

/** All that an engine of this name has in the kernel, but for the bridges of networks of its users: those say whose they are. */
async function sweepKernel(instance: string): Promise<void> {
  const { version, usable } = cgroupFacts();
  if (usable) {
    await removeCgroupsBelow(version, `/berth-${instance}`, () => false);
    await removeCgroupParent(version, `/berth-${instance}`);
  }
  const namespaces = (await listNetns()).filter((name) => name.startsWith(`berth-${instance}-`));
  await ipBatch([...namespaces.map((name) => `netns del ${name}`), `link del ${bridgeName(instance)}`], { force: true });
  await removeNftTable(tableName(instance));
}

/** Processes whose command line, working folder or engine's data is below a folder. */
async function processesBelow(root: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const theirs = await Promise.all(
    pids.map(async (pid) => {
      const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return (await read('cmdline')).includes(`${root}/`) || `${folder}/`.startsWith(`${root}/`) || (await read('environ')).includes(`BERTH_DATA_ROOT=${root}/`);
    }),
  );
  return pids.filter((_pid, index) => theirs[index]).map(Number);
}

function kill(pid: number): void {
  const target = identify(pid);
  if (target) signalProcess(target, SIGKILL);
}

async function sweepBridges(): Promise<string[]> {
  const gone = (await listBridges()).filter(({ alias }) => alias.startsWith('berth:/') && !existsSync(alias.slice('berth:'.length)));
  await ipBatch(gone.map(({ name }) => `link del ${name}`), { force: true });
  return gone.map(({ name, alias }) => `bridge ${name} of ${alias.slice('berth:'.length)}`);
}

/** A benchmark's have its pid in their names. */
async function sweepBenchNamespaces(): Promise<string[]> {
  const gone = (await listNetns()).filter((name) => {
    const pid = /^bbench-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && identify(Number(pid)) === undefined;
  });
  await ipBatch(gone.map((name) => `netns del ${name}`), { force: true });
  return gone.map((name) => `netns ${name}`);
}
