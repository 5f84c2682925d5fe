import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runBench } from './bench.ts';
import type { Bench } from './bench.ts';
import type { Peer } from './peer.ts';
import { berthPeer, dockerPeer } from './peers.ts';
import { startSleeper } from './work.ts';

/** npm run bench:many [-- --count 500 --docker 100 --at-once 4 --without-docker]: many containers at once, started, listed, stopped and removed. */
const { values } = parseArgs({
  options: { count: { type: 'string', default: '500' }, docker: { type: 'string', default: '' }, 'at-once': { type: 'string', default: '4' }, 'without-docker': { type: 'boolean', default: false } },
});

interface Figures {
  readonly engine: string;
  readonly containers: number;
  readonly startEach: number;
  /** Seconds until a new engine has taken over all of them; Docker's containers end with their engine. */
  readonly takeOver: number | undefined;
  readonly listAll: number;
  readonly stopEach: number;
  readonly removeEach: number;
  readonly memoryEach: number;
  readonly memoryIdle: number;
}

const LISTS = 5;
const SETTLE_MS = 3000;

async function measure(peer: Peer, count: number, atOnce: number): Promise<Figures> {
  const { client } = peer;
  const memoryIdle = await peer.memory();
  const ids: string[] = [];
  const startEach = await timed(count, atOnce, async () => void ids.push(await startSleeper(client)));
  await delay(SETTLE_MS);
  const memoryEach = ((await peer.memory()) - memoryIdle) / count;
  const takeOver = await nextEngine(peer);
  const begin = performance.now();
  for (let look = 0; look < LISTS; look += 1) {
    const running = (await client.json<unknown[]>('GET', '/containers/json')).length;
    if (running !== count) throw new Error(`${client.name}: ${running} of ${count} containers run`);
  }
  const listAll = (performance.now() - begin) / LISTS;
  const stopping = [...ids];
  const stopEach = await timed(count, atOnce, async () => void (await client.call('POST', `/containers/${stopping.pop()}/stop?t=0`)));
  const stopped = await client.json<Array<{ State: string }>>('GET', '/containers/json?all=1');
  if (stopped.some(({ State }) => State !== 'exited')) throw new Error(`${client.name}: not all are stopped`);
  const removeEach = await timed(count, atOnce, async () => void (await client.call('DELETE', `/containers/${ids.pop()}?force=1&v=1`)));
  if ((await client.json<unknown[]>('GET', '/containers/json?all=1')).length > 0) throw new Error(`${client.name}: not all are removed`);
  return { engine: client.name, containers: count, startEach, takeOver, listAll, stopEach, removeEach, memoryEach, memoryIdle };
}

async function nextEngine(peer: Peer): Promise<number | undefined> {
  if (peer.spec.name !== 'Berth') return undefined;
  await peer.stop();
  const begin = performance.now();
  await peer.start();
  return (performance.now() - begin) / 1000;
}

/** Milliseconds for each, `atOnce` of them at a time. */
async function timed(count: number, atOnce: number, work: () => Promise<void>): Promise<number> {
  let left = count;
  const begin = performance.now();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left-- > 0) await work();
  }));
  return (performance.now() - begin) / count;
}

function table(rows: readonly Figures[]): string {
  const lines = rows.map((row) => [row.engine, String(row.containers), `${row.startEach.toFixed(1)} ms`, row.takeOver === undefined ? '' : `${row.takeOver.toFixed(1)} s`, ...[row.listAll, row.stopEach, row.removeEach].map((value) => `${value.toFixed(1)} ms`), ...[row.memoryEach, row.memoryIdle].map((value) => `${value.toFixed(2)} MiB`)]);
  const head = ['engine', 'containers', 'start, each', 'engine takes over', 'list all', 'stop, each', 'remove, each', 'memory, each', 'memory before'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

async function main({ folder, begin }: Bench): Promise<void> {
  const count = Number(values.count);
  const rows: Figures[] = [];
  for (const [peer, many] of [[await berthPeer(folder), count], [values['without-docker'] ? undefined : await dockerPeer(folder), Number(values.docker || count)]] as const) {
    if (!peer) continue;
    await begin(peer);
    await peer.stop();
    await peer.start(); // what loading left in memory is not counted
    console.error(`${many} containers on ${peer.client.name} …`);
    rows.push(await measure(peer, many, Number(values['at-once'])));
    console.error(table(rows.slice(-1)));
    await peer.stop();
  }
  console.log(`\n${table(rows)}\n`);
}

await runBench(main);
