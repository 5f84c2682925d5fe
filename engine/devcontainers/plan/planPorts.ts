import { addPublished, parsePublish } from '../../api/docker/run/portSpec.ts';
import type { CreateBody } from '../../api/docker/run/createBody.ts';
import type { ConfigDocument, Path } from '../config/configDocument.ts';
import type { Sourced } from '../config/metadata.ts';
import type { DevContainerConfig } from '../config/schema.ts';
import { invalidAt, unsupportedAt } from '../config/validate.ts';

/** `appPort`: published; a bare number on 127.0.0.1 under the same number. Throws DEVCONTAINER_INVALID. */
export function addAppPorts(body: CreateBody, document: ConfigDocument, appPort: DevContainerConfig['appPort']): void {
  if (appPort === undefined) return;
  const several = Array.isArray(appPort);
  for (const [index, port] of (several ? appPort : [appPort]).entries()) {
    const spec = parsePublish(typeof port === 'number' ? `127.0.0.1:${port}:${port}` : port);
    if (!spec) throw invalidAt(document, several ? ['appPort', index] : ['appPort'], 'expected a port from 1 to 65535, or "[[ip:]hostPort:]containerPort"');
    addPublished(body, spec);
  }
}

/**
 * `forwardPorts`: published on 127.0.0.1 of the host, under the same number when nothing else has it (`isFree`), else under
 * any free one. What appPort or runArgs publish already is left as it is. Throws DEVCONTAINER_UNSUPPORTED for ports of other containers.
 */
export function addForwardPorts(body: CreateBody, document: ConfigDocument, ports: ReadonlyArray<Sourced<number | string>>, isFree: (port: number) => boolean): void {
  for (const { value, origin } of ports) {
    const port = typeof value === 'number' ? value : localPort(document, value, origin === 'image' ? [] : ['forwardPorts', origin]);
    const key = `${port}/tcp`;
    if (port === 0 || body.HostConfig.PortBindings?.[key] !== undefined) continue;
    addPublished(body, [{ key, binding: { HostIp: '127.0.0.1', HostPort: isFree(port) ? String(port) : '' } }]);
  }
}

/** The ports that `addForwardPorts` will ask about. */
export function forwardedPorts(ports: ReadonlyArray<Sourced<number | string>>): number[] {
  return ports.map(({ value }) => (typeof value === 'number' ? value : Number(value.split(':')[1]))).filter((port) => port >= 1 && port <= 65535);
}

function localPort(document: ConfigDocument, text: string, path: Path): number {
  const [host = '', port = ''] = text.split(':');
  if (host !== 'localhost' && host !== '127.0.0.1') throw unsupportedAt(document, path, `Forwarding a port of another container (${text})`);
  if (Number(port) < 1 || Number(port) > 65535) throw invalidAt(document, path, 'expected a port from 1 to 65535 behind the host');
  return Number(port);
}
