import type { HostView } from '../probeView.ts';

/** What is asked of a host; tests answer from recorded trees. */
export type AppArmorHost = Pick<HostView, 'read' | 'exists' | 'which'>;

const ENABLED = '/sys/module/apparmor/parameters/enabled';
const INTERFACE = '/sys/kernel/security/apparmor';
const PARSER = 'apparmor_parser';
const ABI = '/etc/apparmor.d/abi/3.0';

export interface AppArmorState {
  /** The kernel confines by profiles, and shows them here (it does not in a container: what is inside is confined by the host's engine). */
  readonly kernel: boolean;
  /** The program that loads profiles; absent: none is there. */
  readonly parser?: string;
  /** See ProfileFacts. */
  readonly abi: boolean;
}

export async function readState(host: AppArmorHost): Promise<AppArmorState> {
  const kernel = (await host.read(ENABLED))?.trim() === 'Y' && host.exists(INTERFACE);
  const parser = host.which(PARSER);
  return { kernel, ...(parser === undefined ? {} : { parser }), abi: host.exists(ABI) };
}

/** The profiles that the kernel has, by their names. */
export async function loadedProfiles(host: Pick<AppArmorHost, 'read'>): Promise<Set<string>> {
  return parseProfiles((await host.read(`${INTERFACE}/profiles`)) ?? '');
}

/** Lines such as `berth-default (enforce)`; a name may have blanks. Pure. */
export function parseProfiles(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => /^(.+) \([a-z]+\)$/.exec(line)?.[1] ?? []));
}
