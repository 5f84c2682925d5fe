import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../../engine/host/process.ts';
import { runBench } from './bench.ts';
import type { Bench } from './bench.ts';
import { makeBuildContext } from './buildContext.ts';
import { Buildah } from './buildah.ts';
import type { Peer } from './peer.ts';
import { berthPeer, dockerPeer, podmanPeer } from './peers.ts';
import { rows } from './rows.ts';
import type { BenchSetup } from './rounds.ts';
import { formatTable } from './table.ts';
import type { RowResult } from './table.ts';

/** npm run bench [-- --rounds 30 --builds 5 --only run,exec --without-docker --without-podman] */

const repository = resolve(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, builds: { type: 'string', default: '5' }, only: { type: 'string', default: '' }, 'without-docker': { type: 'boolean', default: false }, 'without-podman': { type: 'boolean', default: false }, 'without-buildah': { type: 'boolean', default: false } },
});

async function main({ folder, archive, begin, defer }: Bench): Promise<void> {
  const context = await makeBuildContext(folder);
  const berth = await berthPeer(folder);
  const docker = values['without-docker'] ? undefined : await dockerPeer(folder);
  const podman = values['without-podman'] ? undefined : await podmanPeer(folder);
  if (!docker) console.error(values['without-docker'] ? 'Docker is left out.' : 'dockerd is not installed (Debian: apt-get install docker.io): measuring without it.');
  const peers = [berth, docker, podman].filter((peer) => peer !== undefined);
  for (const peer of peers) await begin(peer);
  const buildah = values['without-buildah'] ? undefined : await Buildah.open(folder, archive);
  if (buildah) defer(() => buildah.remove());
  const setup: BenchSetup = { berth, docker, podman, buildah, context, contextFolder: join(folder, 'context'), folder, rounds: Number(values.rounds), builds: Number(values.builds) };
  const results = await measureAll(setup);
  console.log(`\n${formatTable(results)}\n`);
  await writeResults(results, peers);
}

async function measureAll(setup: BenchSetup): Promise<RowResult[]> {
  const wanted = values.only.split(',').filter((id) => id !== '');
  const results: RowResult[] = [];
  for (const row of rows) {
    if (wanted.length > 0 && !wanted.includes(row.id)) continue;
    console.error(`measuring: ${row.id} …`);
    results.push(...[await row.measure(setup)].flat());
  }
  return results;
}

async function writeResults(results: readonly RowResult[], peers: readonly Peer[]): Promise<void> {
  const time = new Date().toISOString();
  const describe = async (peer: Peer): Promise<unknown> => {
    const { Version, KernelVersion, Components } = await peer.client.json<{ Version: string; KernelVersion: string; Components?: unknown }>('GET', '/version');
    return { Version, KernelVersion, Components };
  };
  const machine = { kernel: release(), architecture: arch(), cpus: cpus().length, cpu: cpus()[0]?.model ?? '', memory: totalmem(), node: process.version, crun: await versionOf('crun'), runc: await versionOf('runc') };
  const engines: Record<string, unknown> = {};
  for (const peer of peers) engines[peer.spec.name.toLowerCase()] = await describe(peer);
  const path = join(repository, '.cache', 'bench', `${time.replaceAll(':', '-')}.json`);
  await mkdir(join(repository, '.cache', 'bench'), { recursive: true });
  await writeFile(path, `${JSON.stringify({ time, command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(), commit: await commit(), machine, engines, rows: results }, null, 2)}\n`);
  console.error(`Written to ${path}`);
}

async function versionOf(program: string): Promise<string> {
  return run(program, ['--version'], { okStatus: 'any' }).then(({ stdout }) => stdout.split('\n')[0] ?? '', () => 'not installed');
}

async function commit(): Promise<string> {
  const head = (await readFile(join(repository, '.git', 'HEAD'), 'utf8').catch(() => '')).trim();
  const ref = /^ref: (.*)$/.exec(head)?.[1];
  return ref === undefined ? head : (await readFile(join(repository, '.git', ref), 'utf8').catch(() => '')).trim();
}

await runBench(main);
