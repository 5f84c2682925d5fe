import { z } from 'zod';

export const remoteHostStates = ['connected', 'connecting', 'reconnecting', 'failed', 'idle'] as const;
export type RemoteHostState = (typeof remoteHostStates)[number];

const linkSchema = z.looseObject({ state: z.string(), step: z.string().optional(), error: z.looseObject({ message: z.string() }).optional() });

/** An item of `berth host list --json`; a host without a link is not connected. */
const listedSchema = z.looseObject({ name: z.string(), url: z.string(), default: z.boolean().optional(), link: linkSchema.nullish() });

export interface RemoteHost {
  readonly name: string;
  /** `ssh://user@host[:port]`. */
  readonly url: string;
  readonly state: RemoteHostState;
  /** What stands in the way, or what it is doing. */
  readonly detail: string | undefined;
  readonly isDefault: boolean;
}

/** What the command line lists. Pure. Throws when it is something else. */
export function parseHosts(text: string): RemoteHost[] {
  return z.array(listedSchema).parse(JSON.parse(text)).map(({ name, url, default: isDefault, link }) => ({ name, url, state: toState(link?.state ?? 'idle'), detail: link?.error?.message ?? link?.step, isDefault: isDefault ?? false }));
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
  reconnecting: ['disconnect', 'remove'],
  failed: ['connect', 'open', 'remove'],
  idle: ['connect', 'open', 'remove'],
};

/** Whether a text is the address of a host, as `berth host add` takes it. Pure. */
export function isHostUrl(text: string): boolean {
  return /^(ssh:\/\/)?([\w.-]+@)?[\w][\w.-]*(:\d{1,5})?$/.test(text.trim());
}
