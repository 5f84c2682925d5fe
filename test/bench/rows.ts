import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../engine/host/process.ts';
import type { Peer } from './peer.ts';
import { measureImages } from './registryRows.ts';
import { figuresOf } from './stats.ts';
import type { RowResult } from './table.ts';
import { build, execTrue, removeContainer, removeImage, removeMany, runTrue, sendBytes, startReceiver, startSleeper, writeLog } from './work.ts';

export interface BenchSetup {
  readonly berth: Peer;
  readonly docker: Peer | undefined;
  /** Measured in some rows, beside the two. */
  readonly podman: Peer | undefined;
  readonly context: Buffer;
  /** For what a row needs on disk. */
  readonly folder: string;
  /** Measured rounds of quick rows, and of builds; each row begins with a tenth of them, at least two, unmeasured. */
  readonly rounds: number;
  readonly builds: number;
}

export interface Row {
  readonly id: string;
  readonly measure: (setup: BenchSetup) => Promise<RowResult | RowResult[]>;
}

type Sample = (peer: Peer) => Promise<number>;

type Measured = Pick<RowResult, 'berth' | 'docker' | 'podman'>;

/** Runs `sample` on the engines in turns, the order reversed each round, after equal warm-up. */
async function alternate({ berth, docker, podman }: Pick<BenchSetup, 'berth' | 'docker'> & Partial<BenchSetup>, rounds: number, sample: Sample): Promise<Measured> {
  const peers = [berth, docker, podman].filter((peer) => peer !== undefined);
  const samples = new Map<Peer, number[]>(peers.map((peer) => [peer, []]));
  const warmUp = Math.max(2, Math.round(rounds / 10));
  for (let round = -warmUp; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      const value = await sample(peer);
      if (round >= 0) samples.get(peer)?.push(value);
    }
  }
  return { berth: figuresOf(samples.get(berth) ?? []), ...(docker ? { docker: figuresOf(samples.get(docker) ?? []) } : {}), ...(podman ? { podman: figuresOf(samples.get(podman) ?? []) } : {}) };
}

/** Without podman. */
function two({ berth, docker }: BenchSetup): Pick<BenchSetup, 'berth' | 'docker'> {
  return { berth, docker };
}

/** One figure of each engine. */
async function once({ berth, docker }: BenchSetup, sample: Sample): Promise<Pick<RowResult, 'berth' | 'docker'>> {
  return { berth: figuresOf([await sample(berth)]), ...(docker ? { docker: figuresOf([await sample(docker)]) } : {}) };
}

const SETTLE_MS = 5000;
const CONTAINERS = 30;
const SENT = 2 * 1024 ** 3;

export const rows: readonly Row[] = [
  {
    id: 'idle',
    measure: async (setup) => {
      // Both have loaded the image before: each begins anew, so that what loading left in memory is not counted.
      for (const peer of [setup.berth, setup.docker]) {
        await peer?.stop();
        await peer?.start();
      }
      await delay(SETTLE_MS);
      return { id: 'idle', title: 'idle memory (PSS), just started, no containers', unit: 'MiB', budget: 0.6, ...(await once(setup, (peer) => peer.memory())) };
    },
  },
  { id: 'run', measure: async (setup) => ({ id: 'run', title: 'run and wait for `true`, bridge network', unit: 'ms', budget: 0.3, ...(await alternate(setup, setup.rounds, (peer) => runTrue(peer.client))) }) },
  {
    id: 'exec',
    measure: async (setup) => {
      const ids = new Map<Peer, string>();
      for (const peer of [setup.berth, setup.docker, setup.podman]) if (peer) ids.set(peer, await startSleeper(peer.client));
      const measured = await alternate(setup, setup.rounds, (peer) => execTrue(peer.client, ids.get(peer) ?? ''));
      for (const [peer, id] of ids) await removeContainer(peer.client, id);
      return { id: 'exec', title: 'exec `true`', unit: 'ms', budget: 0.35, ...measured };
    },
  },
  {
    id: 'network',
    measure: async (setup) => {
      const pairs = new Map<Peer, { readonly from: string; readonly to: string; readonly address: string }>();
      for (const peer of [setup.berth, setup.docker]) {
        if (!peer) continue;
        const { id, address } = await startReceiver(peer.client);
        pairs.set(peer, { from: await startSleeper(peer.client), to: id, address });
      }
      // 0.95 of Docker's throughput or more is 1.05 of its time or less.
      const measured = await alternate(two(setup), Math.max(10, setup.builds), (peer) => sendBytes(peer.client, pairs.get(peer)?.from ?? '', pairs.get(peer)?.address ?? '', SENT));
      for (const [peer, { from, to }] of pairs) for (const id of [from, to]) await removeContainer(peer.client, id);
      return { id: 'network', title: '2 GiB from one container to another by TCP, bridge network', unit: 'ms', budget: 1.05, ...measured };
    },
  },
  {
    id: 'build',
    measure: async (setup) => {
      const measured = await alternate(two(setup), setup.builds, async (peer) => {
        await run('sync', []); // what the other engine wrote must not be written at our expense
        const took = await build(peer.client, setup.context, 'berth-bench:fresh', true);
        await removeImage(peer.client, 'berth-bench:fresh');
        return took;
      });
      return { id: 'build', title: 'build, nothing cached, three parallel stages', unit: 'ms', budget: 0.6, ...measured };
    },
  },
  { id: 'cached', measure: async (setup) => ({ id: 'cached', title: 'build, all cached', unit: 'ms', budget: 0.2, ...(await alternate(two(setup), setup.builds * 2, (peer) => build(peer.client, setup.context, 'berth-bench:cached', false))) }) },
  { id: 'images', measure: measureImages },
  {
    id: 'many',
    measure: async (setup) => {
      const measured = await once(setup, perContainerMemory);
      return { id: 'many', title: `${CONTAINERS} containers: memory per container beyond its own processes`, unit: 'MiB', budget: 0.25, ...measured };
    },
  },
  { id: 'logs', measure: async (setup) => ({ id: 'logs', title: '50 MiB of log written, followed, read back', unit: 'ms', budget: 1, ...(await alternate(two(setup), setup.builds, (peer) => writeLog(peer.client))) }) },
  { id: 'rm', measure: async (setup) => ({ id: 'rm', title: `\`rm -f\` of ${CONTAINERS} containers`, unit: 'ms', ...(await alternate(setup, setup.builds, (peer) => removeMany(peer.client, CONTAINERS))) }) },
  {
    id: 'after',
    measure: async (setup) => {
      await delay(SETTLE_MS);
      return { id: 'after', title: 'idle memory (PSS) after all of the above', unit: 'MiB', ...(await once(setup, (peer) => peer.memory())) };
    },
  },
];

/** What the engine and its helpers hold more with the containers than without, for each. */
async function perContainerMemory(peer: Peer): Promise<number> {
  const ids: string[] = [];
  try {
    const before = await peer.memory();
    for (let index = 0; index < CONTAINERS; index++) ids.push(await startSleeper(peer.client));
    await delay(SETTLE_MS);
    return ((await peer.memory()) - before) / CONTAINERS;
  } finally {
    for (const id of ids) await removeContainer(peer.client, id);
  }
}
