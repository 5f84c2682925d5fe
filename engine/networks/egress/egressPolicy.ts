import { isIP } from 'node:net';
import { egressInvalid } from '../errors.ts';
import { formatCidr, parseCidr } from '../ipv4.ts';
import { formatCidr6, parseCidr6 } from '../ipv6.ts';

/** What containers of a network may reach outside of it; everything else is refused. */
export interface EgressPolicy {
  /** Lower case, without a dot at the end; `*.example.com`: every name below that. */
  readonly names: readonly string[];
  /** IPv4 and IPv6, in their one spelling. */
  readonly four: readonly string[];
  readonly six: readonly string[];
}

const PREFIX = 'allow:';
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);

/** `allow:NAME,*.NAME,ADDRESS,CIDR,…`; `allow:` alone lets nothing out. Pure. Throws EGRESS_INVALID. */
export function parseEgress(text: string): EgressPolicy {
  if (!text.startsWith(PREFIX)) throw egressInvalid({ text, detail: 'it begins with "allow:"' });
  const policy = { names: new Set<string>(), four: new Set<string>(), six: new Set<string>() };
  for (const item of text.slice(PREFIX.length).split(',').map((one) => one.trim()).filter((one) => one !== '')) addItem(policy, item, text);
  return { names: [...policy.names], four: [...policy.four], six: [...policy.six] };
}

function addItem(policy: Record<keyof EgressPolicy, Set<string>>, item: string, text: string): void {
  const four = parseCidr(item);
  const six = parseCidr6(item);
  if (four) policy.four.add(formatCidr(four));
  else if (six) policy.six.add(formatCidr6(six));
  else if (item.includes('/') || isIP(item) !== 0 || /^[\d.]+$/.test(item)) throw egressInvalid({ text, detail: `"${item}" is not an address or a network such as 10.1.0.0/16 or fd00::/8` });
  else {
    const name = item.toLowerCase().replace(/\.$/, '');
    if (!NAME.test(name) || name.length > 253) throw egressInvalid({ text, detail: `"${item}" is neither a name, nor *.NAME, nor an address, nor a network` });
    policy.names.add(name);
  }
}

/** Whether a name may be resolved. Pure. */
export function allowsName({ names }: EgressPolicy, name: string): boolean {
  const asked = name.toLowerCase().replace(/\.$/, '');
  return names.some((allowed) => (allowed.startsWith('*.') ? asked.endsWith(allowed.slice(1)) && asked.length >= allowed.length : asked === allowed));
}
