import type { EngineStatus } from '../../../api/berth/engine.ts';
import type { Route } from '../../route.ts';

/** `GET /berth/v1/engine` and `POST /berth/v1/engine/stop` (202; the engine leaves once the answer is out). */
export function engineRoutes(status: () => EngineStatus, stop: () => void): Route[] {
  return [
    { method: 'GET', path: '/berth/v1/engine', handle: (_context, reply) => reply.json(200, status()) },
    {
      method: 'POST',
      path: '/berth/v1/engine/stop',
      handle: (_context, reply) => {
        reply.empty(202);
        setImmediate(stop);
      },
    },
  ];
}
