import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import type { Buildah } from './buildah.ts';
import { IMAGE } from './image.ts';
import type { Peer } from './peer.ts';
import { alternate, two } from './rounds.ts';
import type { BenchSetup, Row } from './rounds.ts';
import { figuresOf } from './stats.ts';
import type { Figures } from './stats.ts';
import { buildFolder } from './work.ts';

const FILES = 5000;
/** Some sixty packages with what they need, by name. */
const PACKAGES = ['git', 'python3', 'curl', 'procps', 'less', 'openssh-client'];

/** Builds of folders, by the commands that people type, from their start to their end. */
export const buildRows: readonly Row[] = [
  {
    id: 'changed',
    measure: async (setup) => {
      const folder = await manyFiles(join(setup.folder, 'many-files'));
      let version = 0;
      const change = (): Promise<void> => writeFile(join(folder, 'src/17/file-3.txt'), `version ${version++}\n`);
      const measured = await alternate(two(setup), setup.builds, async (peer) => {
        await change();
        return buildFolder(peer, folder, 'berth-bench:changed');
      });
      const buildah = await besides(setup, async (other) => {
        await change();
        return other.build(folder, 'berth-bench:changed', false);
      });
      return { id: 'changed', title: `build, one file changed of a context of ${FILES}`, unit: 'ms', budget: 0.3, ...measured, ...buildah };
    },
  },
  {
    id: 'apt',
    measure: async (setup) => {
      const { folder, count } = await aptContext(join(setup.folder, 'apt'));
      const measured = await alternate(two(setup), Math.min(3, setup.builds), async (peer: Peer) => {
        await run('sync', []);
        return buildFolder(peer, folder, 'berth-bench:apt', true);
      });
      const buildah = await besides(setup, (other) => other.build(folder, 'berth-bench:apt', true));
      return { id: 'apt', title: `build, \`apt-get install\` of ${count} packages, nothing cached`, unit: 'ms', budget: 1, ...measured, ...buildah };
    },
  },
];

/** The same by buildah, once to warm up and then as often as builds are measured. */
export async function besides({ buildah, builds }: BenchSetup, sample: (buildah: Buildah) => Promise<number>): Promise<{ buildah?: Figures }> {
  if (!buildah) return {};
  const samples: number[] = [];
  for (let round = -1; round < Math.min(3, builds); round++) {
    const took = await sample(buildah);
    if (round >= 0) samples.push(took);
  }
  return { buildah: figuresOf(samples) };
}

async function manyFiles(folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'Dockerfile'), `FROM ${IMAGE}\nWORKDIR /src\nCOPY src ./\nRUN ls | wc -l > /count\n`);
  for (let index = 0; index < FILES; index++) {
    const below = join(folder, 'src', String(index % 50));
    if (index < 50) await mkdir(below, { recursive: true });
    await writeFile(join(below, `file-${Math.floor(index / 50)}.txt`), `line ${index}\n`.repeat(50));
  }
  return folder;
}

/** The packages that the image lacks, as files: all builders install the very same ones, and none needs a network. */
async function aptContext(folder: string): Promise<{ folder: string; count: number }> {
  const debs = join(folder, 'debs');
  const state = join(folder, 'state');
  await mkdir(debs, { recursive: true });
  await mkdir(join(state, 'partial'), { recursive: true });
  await run('tar', ['-xf', await baseTar(), '-C', state, '--wildcards', '--no-anchored', 'var/lib/dpkg/status']);
  const options = [`Dir::State::status=${join(state, 'var/lib/dpkg/status')}`, `Dir::Cache::archives=${state}`, 'APT::Sandbox::User=root', 'Debug::NoLocking=true'].flatMap((option) => ['-o', option]);
  await run('apt-get', [...options, 'install', '-y', '-qq', '--no-install-recommends', '--download-only', ...PACKAGES]);
  const names = (await readdir(state)).filter((name) => name.endsWith('.deb'));
  for (const name of names) await cp(join(state, name), join(debs, name));
  await writeFile(join(folder, '.dockerignore'), 'state\n');
  const install = 'apt-get install -y --no-install-recommends -o Dir::State::lists=/tmp/none -o APT::Sandbox::User=root /debs/*.deb';
  await writeFile(join(folder, 'Dockerfile'), `FROM ${IMAGE}\nCOPY debs /debs\nRUN DEBIAN_FRONTEND=noninteractive ${install} > /dev/null\n`);
  return { folder, count: names.length };
}
