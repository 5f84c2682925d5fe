import { tmpdir } from 'node:os';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { removeTestRoot, testRoot } from '../support/testRoots.ts';
import { makeImageArchive } from './image.ts';
import type { Peer } from './peer.ts';

/** What a benchmark works with: a folder, and engines that have the image. */
export interface Bench {
  readonly folder: string;
  /** The image, as `docker save` writes it. */
  readonly archive: string;
  /** Does something at the end, whatever ends it. */
  defer(step: () => Promise<void>): void;
  /** Starts an engine that is removed at the end, with the image in it. */
  begin(peer: Peer): Promise<void>;
}

/** Runs a benchmark; whatever ends it, failures and signals too, nothing of it is left. */
export async function runBench(main: (bench: Bench) => Promise<void>): Promise<void> {
  const cleanup = new CleanupStack();
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => (ending ??= cleanup.run());
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void end().finally(() => process.exit(130)));
  try {
    const folder = await testRoot(tmpdir(), 'bench');
    cleanup.defer(() => removeTestRoot(folder));
    const archive = await makeImageArchive(folder);
    await main({
      folder,
      archive,
      defer: (step) => cleanup.defer(step),
      begin: async (peer) => {
        cleanup.defer(() => peer.remove());
        await peer.start();
        await peer.client.call('POST', '/images/load', { file: archive, contentType: 'application/x-tar' });
      },
    });
  } finally {
    await end();
  }
}
