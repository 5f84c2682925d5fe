import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../engine/host/process.ts';
import { spreadFolders } from '../../engine/host/spreadFolders.ts';
import { UnpackThreads } from '../../engine/host/tar/unpackThreads.ts';
import { LAYERED, makeLayeredArchive } from './layeredImage.ts';
import type { Peer } from './peer.ts';
import type { BenchSetup } from './rounds.ts';
import { figuresOf } from './stats.ts';
import type { RowResult } from './table.ts';

/** What has to do with images on their way: a docker-registry of Debian's in each engine's network namespace, of the same content. */

const PORT = 5055;

type Sample = (peer: Peer) => Promise<number>;

/** A registry next to an engine; the caller stops it. */
async function startRegistry(peer: Peer, folder: string, port: number): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const config = join(folder, '..', `registry-${port}-${peer.spec.name}.yml`);
  await writeFile(config, ['version: 0.1', 'log: { level: error, accesslog: { disabled: true } }', `storage: { filesystem: { rootdirectory: ${folder} } }`, `http: { addr: "127.0.0.1:${port}", secret: bench }`].join('\n'));
  const child = start('nsenter', [`--net=/run/netns/${peer.spec.netns}`, 'docker-registry', 'serve', config], { stdio: 'ignore' });
  const closed = once(child, 'close');
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await run('nsenter', [`--net=/run/netns/${peer.spec.netns}`, 'bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`], { okStatus: 'any' })).status === 0) break;
    await delay(50);
  }
  return async () => {
    child.kill('SIGKILL');
    await closed;
  };
}

async function checked(peer: Peer, method: string, path: string, options: Parameters<Peer['client']['call']>[2] = {}): Promise<void> {
  const answer = (await peer.client.call(method, path, options)).toString();
  const problem = answer.split('\n').find((line) => line.includes('"errorDetail"'));
  if (problem !== undefined) throw new Error(`${peer.spec.name}: ${method} ${path}: ${problem}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Both engines in turns, after one unmeasured round each. */
async function inTurns({ berth, docker, builds }: BenchSetup, sample: Sample): Promise<Pick<RowResult, 'berth' | 'docker'>> {
  const peers = docker ? [berth, docker] : [berth];
  const samples = new Map<Peer, number[]>(peers.map((peer) => [peer, []]));
  for (let round = -1; round < builds; round += 1) {
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      await run('sync', []); // what the other engine wrote must not be written at our expense
      const took = await sample(peer);
      if (round >= 0) samples.get(peer)?.push(took);
    }
  }
  return { berth: figuresOf(samples.get(berth) ?? []), ...(docker ? { docker: figuresOf(samples.get(docker) ?? []) } : {}) };
}

const ref = `127.0.0.1:${PORT}/layered`;
const forget = (peer: Peer, name: string): Promise<unknown> => peer.client.call('DELETE', `/images/${name}?force=1`, { ok: [404] });

/** Pull, push, save and load of an image of five layers; and unpacking beside pigz and tar. */
export async function measureImages(setup: BenchSetup): Promise<RowResult[]> {
  const folder = await mkdtemp(join(setup.folder, 'registry-'));
  const { archive, layers, bytes } = await makeLayeredArchive(folder);
  const size = `${layers.length} layers, ${Math.round(bytes / 1e6)} MB`;
  const peers = [setup.berth, ...(setup.docker ? [setup.docker] : [])];
  const stops: Array<() => Promise<void>> = [];
  try {
    for (const peer of peers) stops.push(await startRegistry(peer, join(folder, `data-${peer.spec.name}`), PORT));
    // Docker's form of the image, if there is Docker: both pull the same bytes.
    const maker = setup.docker ?? setup.berth;
    await checked(maker, 'POST', '/images/load', { file: archive, contentType: 'application/x-tar' });
    await maker.client.call('POST', `/images/${LAYERED}/tag?repo=${ref}&tag=1`);
    await checked(maker, 'POST', `/images/${ref}/push?tag=1`, { json: {} });
    if (setup.docker) await run('cp', ['-r', `${join(folder, 'data-Docker')}/.`, join(folder, 'data-Berth')]);
    await forget(maker, `${ref}:1`);
    await forget(maker, LAYERED);
    console.error('measuring: pull …');
    const pull = await inTurns(setup, async (peer) => {
      const took = await timed(() => checked(peer, 'POST', `/images/create?fromImage=${ref}&tag=1`));
      await forget(peer, `${ref}:1`);
      return took;
    });
    console.error('measuring: load …');
    const load = await inTurns(setup, async (peer) => {
      await forget(peer, LAYERED);
      return timed(() => checked(peer, 'POST', '/images/load', { file: archive, contentType: 'application/x-tar' }));
    });
    console.error('measuring: save …');
    const save = await inTurns(setup, (peer) => timed(() => peer.client.drain('GET', `/images/${LAYERED}/get`)));
    let port = PORT;
    console.error('measuring: push …');
    const push = await inTurns(setup, (peer) => pushToEmpty(peer, folder, (port += 1)));
    return [
      { id: 'pull', title: `pull from a local registry: ${size}`, unit: 'ms', budget: 0.7, ...pull },
      { id: 'push', title: `push of the same to an empty registry`, unit: 'ms', ...push },
      { id: 'load', title: `load of the same from an archive`, unit: 'ms', ...load },
      { id: 'save', title: `save of the same`, unit: 'ms', ...save },
      await measureUnpack(setup, layers[0] ?? '', folder),
    ];
  } finally {
    for (const stop of stops) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushToEmpty(peer: Peer, folder: string, port: number): Promise<number> {
  const data = join(folder, `push-${port}`);
  const stop = await startRegistry(peer, data, port);
  const target = `127.0.0.1:${port}/pushed`;
  try {
    await peer.client.call('POST', `/images/${LAYERED}/tag?repo=${target}&tag=1`);
    const took = await timed(() => checked(peer, 'POST', `/images/${target}/push?tag=1`, { json: {} }));
    await forget(peer, `${target}:1`);
    return took;
  } finally {
    await stop();
    await rm(data, { recursive: true, force: true });
  }
}

/** One layer of Debian's, compressed by pigz, to files: what the engine does, and what a shell does. */
async function measureUnpack({ builds }: BenchSetup, layer: string, folder: string): Promise<RowResult> {
  const zipped = join(folder, 'unpack.tar.gz');
  await run('sh', ['-c', 'exec pigz -c "$1" > "$2"', 'sh', layer, zipped]);
  const places = join(folder, 'unpacked');
  await mkdir(places);
  await spreadFolders(places); // for both: what the disk does after a removal is not what is measured
  const threads = new UnpackThreads(resolve(import.meta.dirname, '../../dist/unpack-worker.cjs'));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -1; round < builds; round += 1) {
    for (const which of [ours, theirs]) {
      const place = await mkdtemp(join(places, 'one-'));
      const dir = join(place, 'fs');
      await mkdir(dir);
      const job = { dir, replacedDir: join(place, 'replaced'), recipePath: join(place, 'recipe') };
      await run('sync', []);
      const took = await timed(which === ours ? () => threads.unpack(createReadStream(zipped, { highWaterMark: 256 * 1024 }), job) : () => run('sh', ['-c', 'pigz -dc "$1" | tar -x --numeric-owner --xattrs -C "$2"', 'sh', zipped, dir]));
      if (round >= 0) which.push(took);
      await run('rm', ['-rf', place]);
    }
  }
  const { size } = await stat(layer);
  return { id: 'unpack', title: `unpack of a gzip layer, ${Math.round(size / 1e6)} MB, with digest and recipe; right: \`pigz -dc \\| tar -x\``, unit: 'ms', budget: 1.25, berth: figuresOf(ours), docker: figuresOf(theirs) };
}
