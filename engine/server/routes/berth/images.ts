import { bootstrapRequestSchema } from '../../../api/berth/image.ts';
import { asBerthError } from '../../../base/errors.ts';
import type { ImageService } from '../../../images/imageService.ts';
import type { Route } from '../../route.ts';
import { toDockerProgress } from '../docker/jsonProgress.ts';

/** `POST /berth/v1/images/bootstrap`: makes a base image from packages; streams progress, the last line is the image's id or the error. */
export function berthImageRoutes(images: ImageService): Route[] {
  return [
    {
      method: 'POST',
      path: '/berth/v1/images/bootstrap',
      handle: async (context, reply) => {
        const { image } = await context.json(bootstrapRequestSchema);
        const out = reply.stream(200, 'application/json');
        const line = (value: object): void => void out.write(`${JSON.stringify(value)}\n`);
        try {
          const { id } = await images.bootstrap(image, { signal: context.signal, report: (progress) => line(toDockerProgress(progress)) });
          line({ id });
        } catch (error) {
          const { message, code, params } = asBerthError(error);
          line({ error: { message, code, params } });
        }
        out.end();
      },
    },
  ];
}
