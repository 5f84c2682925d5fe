import type { Command } from 'commander';
import type { Host } from '../../../remote/hosts.ts';
import type { Stock } from '../../../remote/stock.ts';
import { confirmed } from '../../confirm.ts';
import type { CliContext } from '../../context.ts';
import { askOnTerminal } from '../../terminal/askOnTerminal.ts';
import { endSyncs } from './endSyncs.ts';
import type { RemoteHosts } from './remoteHosts.ts';

interface RmOptions {
  readonly purge: boolean;
  readonly force: boolean;
  readonly yes: boolean;
}

/** `berth host rm`. */
export function registerRm(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('rm <name>')
    .description('end the link and forget the host; what is on the host stays, unless --purge')
    .option('--purge', 'first remove the engine from the host, with all its containers, images, volumes and copies of synced folders', false)
    .option('--force', 'with --purge: do not ask, also where containers run', false)
    .option('-y, --yes', 'with --purge: do not ask', false)
    .action((name: string, options: RmOptions) => removeHost(context, remote, name, options));
}

async function removeHost(context: CliContext, remote: RemoteHosts, name: string, options: RmOptions): Promise<void> {
  const host = await remote.hosts.find(name);
  if (options.purge && !(await purge(context, remote, host, options))) {
    context.setExitStatus(1);
    return;
  }
  await remote.link(name).stop(context.signal);
  await remote.hosts.remove(name);
  await remote.forget(name);
  context.stdout.write(`${name}\n`);
}

/** False: the user does not want it, or nobody could be asked. */
async function purge(context: CliContext, remote: RemoteHosts, host: Host, { force, yes }: RmOptions): Promise<boolean> {
  const asks = !force && !yes;
  // Before anybody is connected to: without a terminal the answer is known.
  if (asks && !context.stdin.isTTY) return confirmed(context, '');
  const agreed = (stock: Stock | undefined, copies: readonly string[]): Promise<boolean> => confirmed(context, `${questionAbout(host, stock, copies)} [y/N] `);
  const begin = async (): Promise<void> => {
    await endSyncs(context, host.name, force);
    await remote.link(host.name).stop(context.signal); // it would start the engine again
  };
  const report = ({ status }: { readonly status: string }): void => void context.stderr.write(`${host.name}: ${status}\n`);
  return remote.purge(host, { force, begin, ...(asks ? { agreed } : {}) }, { signal: context.signal, report, ask: askOnTerminal(context) });
}

/** Everything that goes, in numbers where they are known. */
export function questionAbout({ name, url }: Pick<Host, 'name' | 'url'>, stock: Stock | undefined, copies: readonly string[]): string {
  const kept = stock === undefined ? ['all its containers', 'images', 'volumes'] : [count(stock.containers, 'container'), count(stock.images, 'image'), count(stock.volumes, 'volume')];
  const what = [...kept, ...(copies.length === 0 ? [] : [`the synced ${copies.length === 1 ? 'folder' : 'folders'} ${copies.join(', ')}`])];
  return `Remove the engine from ${name} (${url}), with ${what.slice(0, -1).join(', ')} and ${what.at(-1) ?? ''}? What is in them is lost.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
