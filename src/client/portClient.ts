import { z } from 'zod';
import { devPortSchema } from '../../engine/api/berth/port.ts';
import type { DevPort } from '../../engine/api/berth/port.ts';
import type { ApiClient } from '../../engine/api/client.ts';

/** The ports of all running dev containers, or of one container. */
export function listPorts(api: ApiClient, container?: string): Promise<DevPort[]> {
  return api.json('GET', '/berth/v1/ports', z.array(devPortSchema), { query: { container } });
}

export function stopForwarding(api: ApiClient, { containerId, host, port }: Pick<DevPort, 'containerId' | 'host' | 'port'>): Promise<unknown> {
  return api.send('POST', '/berth/v1/ports/stop', { json: { containerId, host, port } });
}
