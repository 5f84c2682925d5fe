import { checkRequestSchema } from '../../../api/berth/check.ts';
import type { CheckService } from '../../../check/checkService.ts';
import type { Route } from '../../route.ts';

/** `POST /berth/v1/check`: compares the records with the kernel and the disk; with `repair`, puts in order what can be. */
export function checkRoutes(service: CheckService): Route[] {
  return [
    {
      method: 'POST',
      path: '/berth/v1/check',
      handle: async (context, reply) => {
        const { repair, layers } = await context.json(checkRequestSchema);
        reply.json(200, await service.check({ repair, layers }, context.signal));
      },
    },
  ];
}
