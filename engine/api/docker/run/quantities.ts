const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** Bytes of `512m`, `1.5g`, `64kb`, `2GiB`; undefined when it is not a size. Units are powers of 1024, as Docker's. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '-'];
  return match && unit !== undefined ? Math.floor(Number(match[1]) * unit) : undefined;
}

/** `nofile=1024:2048` or `nofile=1024`; `-1` is unlimited. */
export function parseUlimit(text: string): { Name: string; Soft: number; Hard: number } | undefined {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match?.[1]) return undefined;
  const soft = Number(match[2]);
  const hard = match[3] === undefined ? soft : Number(match[3]);
  return hard !== -1 && (soft === -1 || soft > hard) ? undefined : { Name: match[1], Soft: soft, Hard: hard };
}

/** `/dev/fuse`, `/dev/a:/dev/b`, `/dev/a:/dev/b:rw`, `/dev/a:rwm`. */
export function parseDevice(text: string): { PathOnHost: string; PathInContainer: string; CgroupPermissions: string } | undefined {
  const [host = '', second, third, ...more] = text.split(':');
  if (!host.startsWith('/') || more.length > 0) return undefined;
  const isMode = (part: string | undefined): part is string => part !== undefined && /^[rwm]{1,3}$/.test(part);
  if (second === undefined) return { PathOnHost: host, PathInContainer: host, CgroupPermissions: 'rwm' };
  if (third === undefined && isMode(second)) return { PathOnHost: host, PathInContainer: host, CgroupPermissions: second };
  if (!second.startsWith('/') || (third !== undefined && !isMode(third))) return undefined;
  return { PathOnHost: host, PathInContainer: second, CgroupPermissions: third ?? 'rwm' };
}

/** `no`, `always`, `unless-stopped`, `on-failure[:3]`. */
export function parseRestart(text: string): { Name: string; MaximumRetryCount?: number } | undefined {
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d+))?$/.exec(text);
  if (!match?.[1] || (match[2] !== undefined && match[1] !== 'on-failure')) return undefined;
  return match[2] === undefined ? { Name: match[1] } : { Name: match[1], MaximumRetryCount: Number(match[2]) };
}

const NANOSECONDS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Go's durations (`1m30s`, `500ms`, `1.5h`, `0`) in nanoseconds. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (NANOSECONDS[unit ?? ''] ?? 0), 0));
}
