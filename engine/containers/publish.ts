import type { BerthError } from '../base/errors.ts';
import type { Container } from './container.ts';
import { planPorts } from './portPlan.ts';
import type { Endpoint, Networks } from './ports.ts';

/** Publishes a container's ports; where a range was given for the host's side, the first free one. */
export async function publishPorts(networks: Networks, { record }: Container, endpoint: Endpoint): Promise<void> {
  const planned = planPorts(record.config, record.hostConfig);
  if (endpoint.ip === '' || planned.length === 0) return;
  const fixed = planned.filter(({ hostPort, lastHostPort }) => hostPort === lastHostPort);
  if (fixed.length > 0) await networks.publish(record.id, endpoint, fixed.map(({ lastHostPort: _last, ...request }) => request));
  for (const { lastHostPort, ...request } of planned.filter((one) => one.lastHostPort > one.hostPort)) {
    for (let hostPort = request.hostPort; ; hostPort++) {
      try {
        await networks.publish(record.id, endpoint, [{ ...request, hostPort }]);
        break;
      } catch (error) {
        if (hostPort === lastHostPort || (error as BerthError).code !== 'PORT_IN_USE') throw error;
      }
    }
  }
}
