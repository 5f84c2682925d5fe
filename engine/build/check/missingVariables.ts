import { resolveHere } from '../baseImages.ts';
import type { MissingVariable, PlanOptions } from '../plan/graph.ts';
import type { Outline } from '../plan/outline.ts';
import { planBuild } from '../plan/planBuild.ts';
import type { BaseImage, BuildImages } from '../ports.ts';

/** Variables that are used and set nowhere. Of stages upon an image that is not here nothing is known: it may set them. Throws what the plan throws. */
export async function missingVariables(outline: Outline, images: BuildImages, options: PlanOptions): Promise<readonly MissingVariable[]> {
  const found = await Promise.all([...outline.images].map(async ([key, { ref, platform }]) => [key, await resolveHere(images, ref, platform)] as const));
  const known = new Map(found.map(([key, image]) => [key, image ?? unknownImage(options)]));
  const isKnown = (stage: number): boolean => {
    const base = outline.stages[stage]?.base;
    if (base?.kind === 'stage') return isKnown(base.index);
    return base?.kind === 'scratch' || base?.kind === 'context' || found.some(([key, image]) => base?.kind === 'image' && key === base.key && image !== undefined);
  };
  return planBuild(outline, known, options).missing.filter(({ stage }) => isKnown(stage));
}

function unknownImage({ platform }: PlanOptions): BaseImage {
  return { id: '', layers: [], config: { os: platform.os, architecture: platform.architecture, config: {}, rootfs: { type: 'layers', diff_ids: [] } } };
}
