import type { Buildah } from './buildah.ts';
import type { Peer } from './peer.ts';
import { figuresOf } from './stats.ts';
import type { RowResult } from './table.ts';

export interface BenchSetup {
  readonly berth: Peer;
  readonly docker: Peer | undefined;
  /** Measured in some rows, beside the two. */
  readonly podman: Peer | undefined;
  /** Of the three stages, as a tar and as the folder that it is of. */
  readonly context: Buffer;
  readonly contextFolder: string;
  readonly buildah: Buildah | undefined;
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
export async function alternate({ berth, docker, podman }: Pick<BenchSetup, 'berth' | 'docker'> & Partial<BenchSetup>, rounds: number, sample: Sample): Promise<Measured> {
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
export function two({ berth, docker }: BenchSetup): Pick<BenchSetup, 'berth' | 'docker'> {
  return { berth, docker };
}

/** One figure of each engine. */
export async function once({ berth, docker }: BenchSetup, sample: Sample): Promise<Pick<RowResult, 'berth' | 'docker'>> {
  return { berth: figuresOf([await sample(berth)]), ...(docker ? { docker: figuresOf([await sample(docker)]) } : {}) };
}
