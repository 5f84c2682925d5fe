import { isIPv6 } from 'node:net';
import { PortDriver } from '../host/rootless/portDriver.ts';
import type { PortBinder } from './portHold.ts';

/**
 * Without root the engine's network is not the host's: the keeper binds ports on the host and passes what arrives straight on to the
 * container. It does so without the engine too.
 */
export function keeperBinder(keeperFolder: string): PortBinder {
  const driver = new PortDriver(keeperFolder);
  const release = (proto: string, parentIP: string, parentPort: number): Promise<void> => driver.removeWhere((port) => port.proto === proto && port.parentIP === parentIP && port.parentPort === parentPort);
  return {
    async bind(protocol, hostIp, port, { ip, containerPort }) {
      const proto = nameOf(protocol, hostIp);
      await driver.add({ proto, parentIP: hostIp, parentPort: port, childIP: ip, childPort: containerPort });
      return { port, close: () => release(proto, hostIp, port) };
    },
    outlivesEngine: true,
    keepOnly(ports) {
      const wanted = new Set(ports.map(({ protocol, hostIp, hostPort }) => `${nameOf(protocol, hostIp)} ${hostIp} ${hostPort}`));
      return driver.removeWhere(({ proto, parentIP, parentPort }) => !wanted.has(`${proto} ${parentIP} ${parentPort}`));
    },
  };
}

function nameOf(protocol: string, hostIp: string): string {
  return `${protocol}${isIPv6(hostIp) ? '6' : '4'}`;
}
