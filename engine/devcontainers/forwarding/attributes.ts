import type { MergedConfig } from '../config/metadata.ts';
import type { PortAttributes } from '../config/schema.ts';

/** What is known of a port, by which its attributes are found. */
export interface PortSubject {
  /** Empty: the container itself. */
  readonly host: string;
  readonly port: number;
  /** The command line of the program that listens. */
  readonly command?: string;
}

/** What applies to one port. */
export interface ResolvedAttributes {
  readonly label?: string;
  readonly protocol?: 'http' | 'https';
  readonly onAutoForward: NonNullable<PortAttributes['onAutoForward']>;
  readonly requireLocalPort: boolean;
  readonly elevateIfNeeded: boolean;
}

/** Which form a key of `portsAttributes` has: the more exactly it names a port, the more it counts. */
export type PortKey =
  | { readonly kind: 'port'; readonly host: string; readonly port: number }
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'command'; readonly pattern: RegExp };

const KINDS: readonly PortKey['kind'][] = ['port', 'range', 'command'];

/** A key of `portsAttributes`: `3000`, `40000-55000`, `db:5432`, else a regular expression for command lines. `undefined`: none of them. */
export function parsePortKey(key: string): PortKey | undefined {
  const [, host = '', port] = /^(?:([A-Za-z0-9][A-Za-z0-9_.-]*):)?(\d{1,5})$/.exec(key) ?? [];
  if (port !== undefined) return isPort(Number(port)) ? { kind: 'port', host: host === 'localhost' || host === '127.0.0.1' ? '' : host, port: Number(port) } : undefined;
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(key) ?? [];
  if (first !== undefined) return isPort(Number(first)) && isPort(Number(last)) && Number(first) <= Number(last) ? { kind: 'range', first: Number(first), last: Number(last) } : undefined;
  try {
    return key === '' ? undefined : { kind: 'command', pattern: new RegExp(key) };
  } catch {
    return undefined;
  }
}

/** What dev containers' definitions say of ports. */
export interface PortSettings {
  readonly rules: ReadonlyArray<{ readonly key: PortKey; readonly attributes: PortAttributes }>;
  /** For ports that no rule is about. */
  readonly others: PortAttributes;
  /** `forwardPorts`. */
  readonly declared: ReadonlyArray<{ readonly host: string; readonly port: number }>;
}

/** For a container whose definition cannot be read (any more). */
export const noSettings: PortSettings = { rules: [], others: {}, declared: [] };

export function portSettings(merged: Pick<MergedConfig, 'forwardPorts' | 'portsAttributes' | 'otherPortsAttributes'>): PortSettings {
  const rules = Object.entries(merged.portsAttributes).flatMap(([text, attributes]) => {
    const key = parsePortKey(text);
    return key ? [{ key, attributes }] : [];
  });
  const declared = merged.forwardPorts.flatMap(({ value }) => {
    const key = parsePortKey(String(value));
    return key?.kind === 'port' ? [{ host: key.host, port: key.port }] : [];
  });
  return { rules: rules.sort((a, b) => KINDS.indexOf(a.key.kind) - KINDS.indexOf(b.key.kind)), others: merged.otherPortsAttributes ?? {}, declared };
}

/** All rules about a port, the exacter ones first; of each attribute the first that says it. `otherPortsAttributes` where there is no rule. */
export function attributesOf(settings: PortSettings, subject: PortSubject): ResolvedAttributes {
  const matching = settings.rules.filter(({ key }) => isAbout(key, subject)).map(({ attributes }) => attributes);
  const found = (matching.length > 0 ? matching : [settings.others]).reduceRight<PortAttributes>((weaker, stronger) => ({ ...weaker, ...stronger }), {});
  return {
    ...(found.label === undefined ? {} : { label: found.label }),
    ...(found.protocol === undefined ? {} : { protocol: found.protocol }),
    onAutoForward: found.onAutoForward ?? 'notify',
    requireLocalPort: found.requireLocalPort ?? false,
    elevateIfNeeded: found.elevateIfNeeded ?? false,
  };
}

function isAbout(key: PortKey, { host, port, command }: PortSubject): boolean {
  if (key.kind === 'port') return key.port === port && key.host === host;
  if (key.kind === 'range') return host === '' && port >= key.first && port <= key.last;
  return command !== undefined && key.pattern.test(command);
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65535;
}
