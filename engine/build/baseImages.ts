import { asBerthError, systemCode } from '../base/errors.ts';
import { baseImageUnavailable } from './errors.ts';
import type { Place } from './errors.ts';
import type { BuildContext } from './buildService.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import type { BaseImage, BuildImages } from './ports.ts';

/** The images that a build starts from, all at once: those that are here, the others obtained. Throws BASE_IMAGE_UNAVAILABLE naming the line. */
export async function obtainImages(images: BuildImages, wanted: ReadonlyMap<string, Place>, options: { pull: boolean; auths: RegistryAuths | undefined }, ctx: BuildContext): Promise<ReadonlyMap<string, BaseImage>> {
  const controller = new AbortController();
  const signal = AbortSignal.any([ctx.signal, controller.signal]);
  let failure: Error | undefined;
  const work = [...wanted].map(async ([ref, place]): Promise<readonly [string, BaseImage]> => {
    try {
      return [ref, await obtain(images, ref, options, { ...ctx, signal })];
    } catch (error) {
      // The first failure is the cause; the others only follow from being cancelled.
      failure ??= unavailable(ref, place, error);
      controller.abort(failure);
      throw failure;
    }
  });
  await Promise.allSettled(work);
  ctx.signal.throwIfAborted();
  return new Map(await Promise.all(work));
}

async function obtain(images: BuildImages, ref: string, options: { pull: boolean; auths: RegistryAuths | undefined }, ctx: BuildContext): Promise<BaseImage> {
  if (!options.pull) {
    const here = await resolveHere(images, ref);
    if (here) return here;
  }
  const report: BuildContext['report'] = (progress) => {
    ctx.report(progress);
    ctx.onEvent?.({ type: 'progress', ...progress });
  };
  return images.obtain(ref, { signal: ctx.signal, report, ...(options.auths ? { auths: options.auths } : {}) });
}

/** The image if it is here. */
export async function resolveHere(images: BuildImages, ref: string): Promise<BaseImage | undefined> {
  try {
    return await images.resolve(ref);
  } catch (error) {
    if (asBerthError(error).status === 404) return undefined;
    throw error;
  }
}

/** A full disk is not the image's fault; the rest is told with the line that asked for the image. */
function unavailable(image: string, place: Place, error: unknown): Error {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return asBerthError(error);
  return baseImageUnavailable({ ...place, image, detail: asBerthError(error).message }, { cause: error });
}
