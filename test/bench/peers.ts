import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { engineNodeFlags } from '../../engine/api/berth/engine.ts';
import { Peer } from './peer.ts';

const repository = resolve(import.meta.dirname, '../..');

/** Berth as users get it: the bundle, on the pinned Node, with the flags that the CLI and the extension start an engine with. */
export async function berthPeer(parent: string): Promise<Peer> {
  const bundle = join(repository, 'dist', 'berth.cjs');
  if (!existsSync(bundle)) throw new Error(`${bundle} is not there: npm run build`);
  const root = join(parent, 'berth');
  await mkdir(root, { recursive: true });
  const socketPath = join(root, 'run', 'berth.sock');
  // Two benches on one host must not take each other's namespaces for strays.
  const instance = `bm${process.pid.toString(36)}`.slice(0, 8);
  // The run folder's name in the arguments lets the bench find the process; the engine reads the environment.
  const env = { ...process.env, BERTH_DATA_ROOT: join(root, 'data'), BERTH_RUN_ROOT: join(root, 'run'), BERTH_SOCKET: socketPath, BERTH_INSTANCE: instance, BERTH_IDLE_SECONDS: '0' };
  const args = [`--title=${root}/engine`, ...engineNodeFlags, bundle, 'engine'];
  return new Peer({ name: 'Berth', root, socketPath, program: process.execPath, args, env, instance, netns: `bbench-${process.pid}-b` });
}

/** Docker with its defaults, but for its own folders and socket; `undefined` when dockerd is not installed. */
export async function dockerPeer(parent: string): Promise<Peer | undefined> {
  const program = onPath('dockerd');
  if (program === undefined) return undefined;
  const root = join(parent, 'docker');
  await mkdir(root, { recursive: true });
  const socketPath = join(root, 'docker.sock');
  const args = ['--data-root', join(root, 'data'), '--exec-root', join(root, 'exec'), '--pidfile', join(root, 'pid'), '-H', `unix://${socketPath}`];
  return new Peer({ name: 'Docker', root, socketPath, program, args, env: { ...process.env }, netns: `bbench-${process.pid}-d` });
}

/** Podman's service with its defaults, but for folders and socket of its own; `undefined` when podman is not installed. It runs containers with crun, as we do. */
export async function podmanPeer(parent: string): Promise<Peer | undefined> {
  const program = onPath('podman');
  if (program === undefined) return undefined;
  const root = join(parent, 'podman');
  await mkdir(join(root, 'networks'), { recursive: true });
  const socketPath = join(root, 'podman.sock');
  const args = ['--root', join(root, 'data'), '--runroot', join(root, 'run'), '--tmpdir', join(root, 'tmp'), '--network-config-dir', join(root, 'networks'), '--cgroup-manager', 'cgroupfs', 'system', 'service', '--time', '0', `unix://${socketPath}`];
  return new Peer({ name: 'Podman', root, socketPath, program, args, env: { ...process.env }, netns: `bbench-${process.pid}-p` });
}

function onPath(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].map((folder) => join(folder, name)).find(existsSync);
}
