import { asBerthError, systemCode } from '../base/errors.ts';
import { formatPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import { baseImageUnavailable } from './errors.ts';
import type { BuildContext } from './request.ts';
import type { NeededImage } from './plan/outline.ts';
import { reporting } from './outputs.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import type { BaseImage, BuildImages } from './ports.ts';

export interface ObtainOptions {
  readonly pull: boolean;
  readonly auths: RegistryAuths | undefined;
  /** Images that named contexts bring along, by the name that stands for them. */
  readonly layouts?: ReadonlyMap<string, BaseImage>;
}

/** The images that a build starts from, all at once: those that are here, the others obtained. Throws BASE_IMAGE_UNAVAILABLE naming the line. */
export async function obtainImages(images: BuildImages, wanted: ReadonlyMap<string, NeededImage>, options: ObtainOptions, ctx: BuildContext): Promise<ReadonlyMap<string, BaseImage>> {
  const controller = new AbortController();
  const signal = AbortSignal.any([ctx.signal, controller.signal]);
  let failure: Error | undefined;
  const work = [...wanted].map(async ([key, need]): Promise<readonly [string, BaseImage]> => {
    try {
      return [key, options.layouts?.get(need.ref) ?? (await obtain(images, need, options, { ...ctx, signal }))];
    } catch (error) {
      // The first failure is the cause; the others only follow from being cancelled.
      failure ??= unavailable(need, error);
      controller.abort(failure);
      throw failure;
    }
  });
  await Promise.allSettled(work);
  ctx.signal.throwIfAborted();
  return new Map(await Promise.all(work));
}

async function obtain(images: BuildImages, { ref, platform }: NeededImage, options: ObtainOptions, ctx: BuildContext): Promise<BaseImage> {
  if (!options.pull) {
    const here = await resolveHere(images, ref, platform);
    if (here) return here;
  }
  return images.obtain(ref, { signal: ctx.signal, report: reporting(ctx).report, ...(platform ? { platform } : {}), ...(options.auths ? { auths: options.auths } : {}) });
}

/** The image if it is here. */
export async function resolveHere(images: BuildImages, ref: string, platform?: Platform): Promise<BaseImage | undefined> {
  try {
    return await images.resolve(ref, platform);
  } catch (error) {
    if (asBerthError(error).status === 404) return undefined;
    throw error;
  }
}

/** A full disk is not the image's fault; the rest is told with the line that asked for the image. */
function unavailable({ ref, platform, place }: NeededImage, error: unknown): Error {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return asBerthError(error);
  return baseImageUnavailable({ ...place, image: platform ? `${ref} (${formatPlatform(platform)})` : ref, detail: asBerthError(error).message }, { cause: error });
}
