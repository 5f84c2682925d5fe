import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { RemoteHost } from '../support/remoteHost.ts';
import { figuresOf } from './stats.ts';
import type { Figures } from './stats.ts';
import { FILES, makeFiles, timed } from './sync.ts';

/**
 * npm run bench:remote: a host by SSH beside the system's own ssh, scp and rsync, over the same sshd of a bare host on this machine. Whole commands, from
 * their start to their end. Needs root, and `npm run build && npm run package:engine`.
 */

const NAME = 'rtbench';
const ROUNDS = { connect: 10, exec: 30, install: 3, sync: 3 };

interface Setup {
  readonly host: RemoteHost;
  readonly client: ClientMachine;
  /** Options by which ssh's commands share one connection. */
  readonly shared: readonly string[];
}

type Work = () => Promise<unknown>;

/** In turns, after two unmeasured rounds. `before` is not measured. */
async function alternate(rounds: number, works: readonly Work[], before: Work = () => Promise.resolve()): Promise<Figures[]> {
  const samples = works.map((): number[] => []);
  for (let round = -Math.min(2, rounds - 1); round < rounds; round += 1) {
    for (const [index, work] of works.entries()) {
      await before();
      const took = await timed(work);
      if (round >= 0) samples[index]?.push(took);
    }
  }
  return samples.map(figuresOf);
}

async function prepare(cleanup: CleanupStack): Promise<Setup> {
  const client = await ClientMachine.create();
  cleanup.defer(() => client[Symbol.asyncDispose]());
  const host = await RemoteHost.start({ name: NAME });
  cleanup.defer(() => host.stop());
  await client.know(host);
  await client.addHost(NAME);
  return { host, client, shared: ['-o', 'ControlMaster=auto', '-o', `ControlPath=${join(client.home, 'master')}`, '-o', 'ControlPersist=60'] };
}

/** Carrying and unpacking the same archive by hand is the least that a first connect can take. */
async function newConnect({ host, client }: Setup): Promise<Figures[]> {
  const archive = join(import.meta.dirname, `../../dist/berth-engine-linux-${process.arch}.tar.gz`);
  const away = async (): Promise<void> => {
    await client.berth(['host', 'rm', NAME, '--purge', '--force'], { okStatus: 'any' });
    await client.berth(['host', 'add', NAME, '--name', NAME], { okStatus: 'any' });
    await host.exec('rm -rf /root/archive /root/unpacked; sync -f /root');
  };
  return alternate(ROUNDS.install, [
    () => client.berth(['--host', NAME, 'ps']),
    async () => {
      await client.run('scp', [...client.sshOptions(), '-q', archive, `${NAME}:archive`]);
      await client.ssh([NAME, 'sha256sum archive && mkdir unpacked && tar -xzf archive -C unpacked && sync -f .']);
    },
  ], away);
}

async function readyConnect({ client }: Setup): Promise<Figures[]> {
  const apart = (): Promise<unknown> => client.berth(['host', 'disconnect', NAME]);
  return alternate(ROUNDS.connect, [() => client.berth(['--host', NAME, 'ps']), () => client.ssh([NAME, 'true'])], apart);
}

async function exec({ client, shared }: Setup): Promise<Figures[]> {
  await client.berth(['--host', NAME, 'ps']);
  await client.docker(NAME, ['import', await baseTar(), 'debian:bookworm']);
  await client.docker(NAME, ['run', '-d', '--name', 'sleeper', 'debian:bookworm', 'sleep', '1000']);
  await client.ssh([...shared, NAME, 'true']);
  const figures = await alternate(ROUNDS.exec, [() => client.docker(NAME, ['exec', 'sleeper', 'true']), () => client.berth(['--host', NAME, 'container', 'exec', 'sleeper', 'true']), () => client.ssh([...shared, NAME, 'true'])]);
  await client.ssh(['-O', 'exit', ...shared, NAME], { okStatus: 'any' });
  return figures;
}

/** Brings rsync to the bare host, with what it is linked to. */
async function bringRsync(host: RemoteHost): Promise<void> {
  const { stdout } = await run('ldd', ['/usr/bin/rsync']);
  const libraries = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, path]) => path ?? '');
  await run('tar', ['-chf', join(host.folder, 'disk/tmp/rsync.tar'), '--transform', 's,.*/,,', '/usr/bin/rsync', ...libraries]);
  await host.exec(`mkdir -p /opt/rsync && tar -xf /tmp/rsync.tar -C /opt/rsync && printf '#!/bin/sh\\nLD_LIBRARY_PATH=/opt/rsync exec /opt/rsync/rsync "$@"\\n' > /usr/bin/rsync && chmod 755 /usr/bin/rsync`);
}

async function sync({ host, client }: Setup): Promise<Figures[]> {
  await bringRsync(host);
  const source = join(client.home, 'files');
  await mkdir(source);
  await makeFiles(source);
  const away = async (): Promise<void> => {
    await client.berth(['sync', 'stop', '--forget', source], { okStatus: 'any' });
    await host.exec('rm -rf /root/synced /root/rsynced; sync -f /root');
  };
  return alternate(ROUNDS.sync, [
    async () => {
      await client.berth(['--host', NAME, 'sync', 'start', source, '/root/synced']);
      await client.berth(['--host', NAME, 'sync', 'flush', source]);
    },
    async () => {
      await client.run('rsync', ['-a', '--delete', '-e', ['ssh', ...client.sshOptions()].join(' '), `${source}/`, `${NAME}:/root/rsynced/`]);
      await client.ssh([NAME, 'sync -f .']);
    },
  ], away);
}

function row(title: string, berth: Figures | undefined, other: string, figures: Figures | undefined): string {
  if (!berth || !figures) throw new Error(`${title}: no figures`);
  const text = ({ median, min, max }: Figures): string => `${median.toFixed(0)} ms (${min.toFixed(0)}, ${max.toFixed(0)})`;
  return `| ${title} | ${text(berth)} | ${other} | ${text(figures)} | ${(berth.median / figures.median).toFixed(2)} × |`;
}

async function main(): Promise<void> {
  await using cleanup = new CleanupStack();
  const setup = await prepare(cleanup);
  const [install, byHand] = await newConnect(setup);
  await setup.client.berth(['--host', NAME, 'ps']);
  const [ready, ssh] = await readyConnect(setup);
  const [docker, berth, master] = await exec(setup);
  const [synced, rsynced] = await sync(setup);
  console.log([
    '| what | Berth | beside | takes | ratio |',
    '| --- | --- | --- | --- | --- |',
    row('first `berth ps` on a host that has nothing', install, '`scp` of the same archive, `sha256sum`, `tar -xz`', byHand),
    row('first `berth ps` on a host that is ready', ready, '`ssh HOST true`', ssh),
    row('`docker exec C true` over the link', docker, '`ssh HOST true`, ControlMaster', master),
    row('`berth container exec C true` over the link', berth, '`ssh HOST true`, ControlMaster', master),
    row(`first copy of ${FILES} small files, on disk`, synced, '`rsync -a` over ssh, on disk', rsynced),
  ].join('\n'));
}

await main();
