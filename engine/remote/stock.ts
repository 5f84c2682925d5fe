import { z } from 'zod';
import { ApiClient } from '../api/client.ts';
import { volumeListSchema } from '../api/docker/volume.ts';
import type { OperationContext } from '../base/context.ts';
import type { HostConnection } from './connection.ts';
import type { LinkTarget } from './link/engineSession.ts';
import { openEngineStream } from './link/engineStream.ts';

/** How much an engine keeps. */
export interface Stock {
  readonly containers: number;
  readonly images: number;
  readonly volumes: number;
}

const infoSchema = z.looseObject({ Containers: z.number(), Images: z.number() });

/** What the engine of a host has; `undefined` where none is known, or where it does not answer. */
export async function stockOf(connection: HostConnection, remembered: LinkTarget['remembered'], ctx: OperationContext): Promise<Stock | undefined> {
  const known = await remembered.load();
  if (!known) return undefined;
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const stream = await openEngineStream(connection, known, { ...ctx, report: () => undefined });
    return new ApiClient(known.socketPath, '', () => stream).json('GET', path, schema, { signal: ctx.signal });
  };
  try {
    const { Containers, Images } = await get('/info', infoSchema);
    const { Volumes } = await get('/volumes', volumeListSchema);
    return { containers: Containers, images: Images, volumes: Volumes?.length ?? 0 };
  } catch {
    return undefined; // what is broken must be removable too
  }
}
