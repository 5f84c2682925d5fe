import type { ContainerConfig, HostConfig } from '../api/docker/container.ts';
import { invalidConfig } from './errors.ts';
import type { PortRequest } from './ports.ts';

/** A port to publish; more than one candidate where the user gave a range for the host's side. */
export interface PlannedPort extends PortRequest {
  /** The last host port that will do; same as `hostPort` without a range. */
  readonly lastHostPort: number;
}

/** `80/tcp` or `80`. */
export function parsePort(text: string): { readonly port: number; readonly protocol: 'tcp' | 'udp' } {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  const port = Number(match?.[1] ?? 0);
  if (!match || port < 1 || port > 65535) throw invalidConfig({ what: 'invalid port specification', detail: `"${text}"` });
  return { port, protocol: match[2] === 'udp' ? 'udp' : 'tcp' };
}

/** The ports that a container publishes when it starts: PortBindings, and with PublishAllPorts every exposed port that has none. */
export function planPorts(config: ContainerConfig, host: HostConfig): PlannedPort[] {
  const bindings = Object.entries(host.PortBindings ?? {});
  const planned = bindings.flatMap(([key, list]) => {
    const { port, protocol } = parsePort(key);
    const wanted = list && list.length > 0 ? list : [{ HostIp: '', HostPort: '' }];
    return wanted.map((one) => ({ containerPort: port, protocol, hostIp: one.HostIp ?? '', ...hostRange(one.HostPort ?? '') }));
  });
  if (!host.PublishAllPorts) return planned;
  const bound = new Set(bindings.map(([key]) => canonical(key)));
  const rest = Object.keys(config.ExposedPorts ?? {}).filter((key) => !bound.has(canonical(key)));
  return [...planned, ...rest.map((key) => ({ containerPort: parsePort(key).port, protocol: parsePort(key).protocol, hostIp: '', hostPort: 0, lastHostPort: 0 }))];
}

/** `80` as `80/tcp`. */
export function canonical(key: string): string {
  const { port, protocol } = parsePort(key);
  return `${port}/${protocol}`;
}

function hostRange(text: string): { hostPort: number; lastHostPort: number } {
  if (text === '') return { hostPort: 0, lastHostPort: 0 };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const hostPort = Number(match?.[1]);
  const lastHostPort = Number(match?.[2] ?? hostPort);
  if (!match || hostPort > 65535 || lastHostPort > 65535 || lastHostPort < hostPort) throw invalidConfig({ what: 'invalid port specification', detail: `"${text}"` });
  return { hostPort, lastHostPort };
}
