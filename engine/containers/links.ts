import { readFile, writeFile } from 'node:fs/promises';
import type { Container } from './container.ts';
import { linkedNotRunning } from './errors.ts';
import { parseLink } from './networkPlan.ts';
import type { ContainerParts } from './parts.ts';

/** A container that another one on the default network knows by names of its own (`--link`), which has no names otherwise. */
export interface LinkedHost {
  readonly ip: string;
  /** The alias first. */
  readonly names: readonly string[];
}

type LinkParts = Pick<ContainerParts, 'networks' | 'store'>;

/** The containers that one is linked to. Throws NO_SUCH_CONTAINER, LINKED_NOT_RUNNING. */
export function linkedHosts({ networks, store }: LinkParts, { record }: Container): LinkedHost[] {
  if (!record.network.endpoints.some(({ network }) => network === 'bridge')) return [];
  return (record.hostConfig.Links ?? []).map((text) => {
    const { container, alias } = parseLink(text);
    const target = store.find(container);
    const endpoint = networks.endpoints(target.id).find(({ networkName }) => networkName === 'bridge');
    if (!target.running || !endpoint) throw linkedNotRunning({ container: target.record.name, by: record.name, alias });
    return { ip: endpoint.ip, names: namesOf(target, alias) };
  });
}

/** A container has started, perhaps with another address: those that are linked to it hear of that. */
export async function refreshLinks({ networks, store }: LinkParts, target: Container): Promise<void> {
  const ip = networks.endpoints(target.id).find(({ networkName }) => networkName === 'bridge')?.ip;
  if (ip === undefined) return;
  for (const container of store.list()) {
    const links = container.running ? (container.record.hostConfig.Links ?? []).map(parseLink) : [];
    const names = links.filter((link) => link.container === target.record.name || target.id.startsWith(link.container)).map(({ alias }) => namesOf(target, alias).join(' '));
    if (names.length > 0) await changeAddress(container.paths.hosts, names, ip);
  }
}

/** In place: the container has this very file mounted. */
async function changeAddress(path: string, names: readonly string[], ip: string): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => '');
  const after = before.split('\n').map((line) => {
    const own = names.find((one) => line.endsWith(`\t${one}`));
    return own === undefined ? line : `${ip}\t${own}`;
  }).join('\n');
  if (after !== before) await writeFile(path, after);
}

function namesOf({ record }: Container, alias: string): string[] {
  return [...new Set([alias, record.config.Hostname || record.id.slice(0, 12), record.name])];
}
