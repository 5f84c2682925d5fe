import { z } from 'zod';
import type { ForwardedPort, LinkStatus } from '../../engine/api/berth/link.ts';
import type { DevPort } from '../../engine/api/berth/port.ts';

export const remoteHostStates = ['connected', 'connecting', 'reconnecting', 'failed', 'idle'] as const;
export type RemoteHostState = (typeof remoteHostStates)[number];

/** An item of `berth host list --json`. */
const listedSchema = z.looseObject({ name: z.string(), url: z.string(), default: z.boolean().optional(), socketPath: z.string(), controlPath: z.string() });

/** A host of the user's list. */
export interface ListedHost {
  readonly name: string;
  /** `ssh://user@host[:port]`. */
  readonly url: string;
  readonly isDefault: boolean;
  /** The engine's socket on this machine, and the link's own. */
  readonly socketPath: string;
  readonly controlPath: string;
}

export interface RemoteHost extends ListedHost {
  readonly state: RemoteHostState;
  /** What it is doing. */
  readonly step: LinkStatus['step'];
  readonly question: LinkStatus['question'];
  /** What stands in the way. */
  readonly error: NonNullable<LinkStatus['error']> | undefined;
  /** Its engine can be asked: false also where it left because it had nothing to do. */
  readonly engineServes: boolean;
  /** What is forwarded here. */
  readonly ports: readonly ForwardedPort[];
}

/** What the command line lists. Pure. Throws when it is something else. */
export function parseHosts(text: string): ListedHost[] {
  return z.array(listedSchema).parse(JSON.parse(text)).map(({ name, url, default: isDefault, socketPath, controlPath }) => ({ name, url, isDefault: isDefault ?? false, socketPath, controlPath }));
}

/** A host with what its link says; without a link it is not connected. Pure. */
export function withLink(host: ListedHost, link: LinkStatus | undefined): RemoteHost {
  const state = toState(link?.state ?? 'idle');
  return { ...host, state, step: link?.step, question: link?.question, error: state === 'connected' ? undefined : link?.error, engineServes: link?.engineServes ?? false, ports: link?.ports ?? [] };
}

/** Whether a host's containers are to be seen: a lost link is mended, and what was seen stays. */
export function isThere(host: RemoteHost): boolean {
  return host.state === 'connected' || host.state === 'reconnecting';
}

/** A port of a host's dev container as it is reached from this machine. Pure. */
export function portHere(port: DevPort, forwarded: readonly ForwardedPort[]): DevPort {
  const { local: there, ...rest } = port;
  const here = there && forwarded.find(({ container, containerPort, hostPort }) => container === port.containerId && (hostPort === there.port || (port.published && containerPort === port.port)));
  return here ? { ...rest, local: { host: '127.0.0.1', port: here.localPort } } : rest;
}

/** One that waits for an answer is on its way. */
function toState(word: string): RemoteHostState {
  if (word === 'asking') return 'connecting';
  return remoteHostStates.find((state) => state === word) ?? 'idle';
}

/** What can be asked of a host. Each is a command `berth.host.<action>`. */
export type HostAction = 'connect' | 'disconnect' | 'open' | 'remove';

/** The one table of which actions suit which state of a remote host; package.json's menus are tested against it. */
export const hostActions: Readonly<Record<RemoteHostState, readonly HostAction[]>> = {
  connected: ['disconnect', 'open', 'remove'],
  connecting: ['disconnect', 'remove'],
  reconnecting: ['connect', 'disconnect', 'remove'],
  failed: ['connect', 'open', 'remove'],
  idle: ['connect', 'open', 'remove'],
};

/** Whether a text is the address of a host, as `berth host add` takes it. Pure. */
export function isHostUrl(text: string): boolean {
  return /^(ssh:\/\/)?([\w.-]+@)?[\w][\w.-]*(:\d{1,5})?$/.test(text.trim());
}

/** What a command says last, without its own name and the code, which are for terminals. Pure. */
export function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/^berth: /, '').replace(/ \[[A-Z_]+\]$/, '');
}
