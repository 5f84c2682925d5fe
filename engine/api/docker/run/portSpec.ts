import type { CreateBody, PortBinding } from './createBody.ts';

export interface PublishedPortSpec {
  /** `<port>/<protocol>`. */
  readonly key: string;
  readonly binding: PortBinding;
}

const SPEC = /^(?:(?<ip>\[[0-9a-fA-F:.]*\]|[^:[\]]*):)??(?:(?<host>\d+(?:-\d+)?)?:)?(?<container>\d+(?:-\d+)?)(?:\/(?<protocol>tcp|udp))?$/;

/** `[[ip:][hostPort]:]containerPort[/tcp|udp]`, ports also as ranges of equal length; undefined when it is not that. */
export function parsePublish(text: string): PublishedPortSpec[] | undefined {
  const groups = SPEC.exec(text)?.groups;
  if (!groups) return undefined;
  const ip = (groups['ip'] ?? '').replace(/^\[|\]$/g, '');
  if (ip !== '' && !/^[0-9a-fA-F:.]+$/.test(ip)) return undefined;
  const container = range(groups['container'] ?? '');
  const host = groups['host'] === undefined ? undefined : range(groups['host']);
  if (!container || (groups['host'] !== undefined && host?.length !== container.length)) return undefined;
  const protocol = groups['protocol'] ?? 'tcp';
  return container.map((port, index) => ({ key: `${port}/${protocol}`, binding: { HostIp: ip, HostPort: host ? String(host[index]) : '' } }));
}

/** Adds ports to a create request: published and exposed. */
export function addPublished(body: CreateBody, ports: readonly PublishedPortSpec[]): void {
  for (const { key, binding } of ports) {
    (body.ExposedPorts ??= {})[key] = {};
    const bindings = ((body.HostConfig.PortBindings ??= {})[key] ??= []);
    if (!bindings.some((one) => one.HostIp === binding.HostIp && one.HostPort === binding.HostPort)) bindings.push(binding);
  }
}

/** `8000` or `8000-8010` as ports; undefined when out of 1 to 65535 or backwards. */
export function range(text: string): number[] | undefined {
  const [first, last = first] = text.split('-').map(Number);
  if (first === undefined || last === undefined || !Number.isInteger(first) || !Number.isInteger(last)) return undefined;
  if (first < 1 || last > 65535 || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
