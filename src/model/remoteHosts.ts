import { z } from 'zod';

export const remoteHostStates = ['connected', 'connecting', 'reconnecting', 'failed', 'idle'] as const;
export type RemoteHostState = (typeof remoteHostStates)[number];

/** An item of `berth host list --json`. */
export const remoteHostSchema = z.looseObject({
  name: z.string(),
  /** `ssh://user@host[:port]`. */
  url: z.string(),
  state: z.enum(remoteHostStates).catch('idle'),
  /** What stands in the way, or what it is doing. */
  detail: z.string().optional(),
  default: z.boolean().optional(),
});
export type RemoteHost = z.infer<typeof remoteHostSchema>;

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
