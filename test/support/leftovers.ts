import { readFile, readdir, readlink } from 'node:fs/promises';
import { run } from '../../engine/host/process.ts';

/** What an engine may leave on the host, as lines for people; empty when it left nothing. `root` holds its data and run folders. */
export async function leftovers(root: string, instance: string): Promise<string[]> {
  const found = await Promise.all([mountsUnder(root), namespacesOf(instance), linksOf(instance), tablesOf(instance), processesOf(root)]);
  return found.flat();
}

/** Mount points below a folder. */
export async function mountsUnder(root: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${root}/`)).map((point) => `mount ${point}`);
}

async function namespacesOf(instance: string): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((name) => name.startsWith(`berth-${instance}-`)).map((name) => `netns ${name}`);
}

async function linksOf(instance: string): Promise<string[]> {
  const { stdout } = await run('ip', ['-json', 'link', 'show'], { okStatus: 'any' });
  const links = JSON.parse(stdout || '[]') as Array<{ ifname?: string }>;
  return links.map((link) => link.ifname ?? '').filter((name) => name === `br-${instance}`).map((name) => `link ${name}`);
}

async function tablesOf(instance: string): Promise<string[]> {
  const { stdout } = await run('nft', ['list', 'tables'], { okStatus: 'any' });
  return stdout.split('\n').filter((line) => line.endsWith(` berth-${instance}`));
}

/** Processes whose command line or working folder names the engine's root: conmon, runtimes, containers' own are children of those. */
async function processesOf(root: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return command.includes(`${root}/`) || folder.startsWith(`${root}/`) ? `process ${pid} ${command.slice(0, 120)}` : '';
    }),
  );
  return lines.filter((line) => line !== '');
}
