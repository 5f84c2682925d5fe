import type { DoctorReport } from '../../../api/berth/doctor.ts';
import type { Route } from '../../route.ts';

/** `GET /berth/v1/doctor`: the probe, run by the engine. */
export function doctorRoutes(probe: () => Promise<DoctorReport>): Route[] {
  return [{ method: 'GET', path: '/berth/v1/doctor', handle: async (_context, reply) => reply.json(200, await probe()) }];
}
