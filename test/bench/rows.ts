import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../engine/host/process.ts';
import { besides, buildRows } from './buildRows.ts';
import type { Peer } from './peer.ts';
import { measureImages } from './registryRows.ts';
import { alternate, once, two } from './rounds.ts';
import type { Row } from './rounds.ts';
import { build, execTrue, removeContainer, removeImage, removeMany, runTrue, sendBytes, startReceiver, startSleeper, writeLog } from './work.ts';

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
      const buildah = await besides(setup, (other) => other.build(setup.contextFolder, 'berth-bench:fresh', true));
      return { id: 'build', title: 'build, nothing cached, three parallel stages', unit: 'ms', budget: 0.6, ...measured, ...buildah };
    },
  },
  {
    id: 'cached',
    measure: async (setup) => {
      const measured = await alternate(two(setup), setup.builds * 2, (peer) => build(peer.client, setup.context, 'berth-bench:cached', false));
      const buildah = await besides(setup, (other) => other.build(setup.contextFolder, 'berth-bench:cached', false));
      return { id: 'cached', title: 'build, all cached', unit: 'ms', budget: 0.2, ...measured, ...buildah };
    },
  },
  ...buildRows,
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
