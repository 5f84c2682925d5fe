import type { AttestRequest } from './attest/request.ts';
import { fitsPlatform, formatPlatform, hostPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import { obtainImages } from './baseImages.ts';
import type { BuildContext, BuildRequest } from './request.ts';
import { checkDockerfile } from './check/checkDockerfile.ts';
import type { CheckReport } from './check/checkDockerfile.ts';
import type { BuildWarning } from './check/warning.ts';
import { contextMeanings } from './context/namedContexts.ts';
import type { NamedContexts, NamedContextSources } from './context/namedContexts.ts';
import type { OpenedContext } from './context/openContext.ts';
import type { SourceTree } from './copy/selectSources.ts';
import { parseDockerfile } from './dockerfile/parse.ts';
import type { BuildPlan, CommandSettings, PlanOptions } from './plan/graph.ts';
import { outlineBuild } from './plan/outline.ts';
import type { Outline } from './plan/outline.ts';
import { planBuild } from './plan/planBuild.ts';
import type { BaseImage, BuildImages } from './ports.ts';

/** What a build is asked for besides the one image of this host's platform. */
export interface WiderRequest {
  /** What the images are for; several make an index. Default: what this host is. */
  readonly platforms?: readonly Platform[];
  /** What names in the Dockerfile mean instead of stages and images. */
  readonly contexts?: NamedContextSources;
  /** What is to be said of each image in the index that it then is part of. */
  readonly attest?: AttestRequest;
  /** `RUN --device` may be done. */
  readonly allowDevices?: boolean;
  readonly settings?: CommandSettings;
  /** A command that fails is left for its client to look at. */
  readonly debug?: { readonly tty: boolean };
}

/** One platform's part of a build, ready to be done. */
export interface Planned {
  readonly options: PlanOptions;
  readonly plan: BuildPlan;
  readonly report: CheckReport;
  /** The context, and the named ones that the plan needs. */
  readonly tree: SourceTree;
  /** The images it starts from and copies from. */
  readonly bases: ReadonlyArray<{ readonly ref: string; readonly image: BaseImage }>;
}

/** What a plan is made for, once for each platform. */
export function planOptions(request: BuildRequest): readonly [PlanOptions, ...PlanOptions[]] {
  const buildPlatform = hostPlatform();
  const asked = distinct(request.platforms ?? []);
  const [first = buildPlatform, ...others] = asked;
  const forPlatform = (platform: Platform): PlanOptions => ({
    ...(request.target === undefined ? {} : { target: request.target }),
    buildArgs: request.buildArgs ?? {},
    labels: request.labels ?? {},
    network: request.network ?? 'default',
    ...(request.settings === undefined ? {} : { settings: request.settings }),
    allowsInsecure: request.allowInsecure ?? false,
    allowsDevices: request.allowDevices ?? false,
    platform,
    buildPlatform,
    platformAsked: asked.length > 0,
    contexts: contextMeanings(request.contexts ?? {}),
  });
  return [forPlatform(first), ...others.map(forPlatform)];
}

function distinct(platforms: readonly Platform[]): Platform[] {
  return platforms.filter((platform, index) => platforms.findIndex((other) => formatPlatform(other) === formatPlatform(platform)) === index);
}

interface PlanParts {
  readonly images: BuildImages;
  readonly opened: OpenedContext;
  readonly named: NamedContexts;
}

/** Obtains what a plan starts from, and makes it. Throws what the parser and the planner do, BASE_IMAGE_UNAVAILABLE, BUILD_CONTEXT_INVALID. */
export async function planFor(options: PlanOptions, request: BuildRequest, { images, opened, named }: PlanParts, ctx: BuildContext): Promise<Planned> {
  const { text, name } = opened.dockerfile;
  const dockerfile = parseDockerfile(text, name);
  const obtain = async ({ images: needed }: Outline): Promise<ReadonlyMap<string, BaseImage>> => {
    const layouts = await named.layouts(new Set([...needed.values()].map(({ ref }) => ref)), options.platform);
    return obtainImages(images, needed, { pull: request.pull ?? false, auths: request.auths, layouts }, ctx);
  };
  const first = outlineBuild(dockerfile, options);
  const known = await obtain(first);
  // What the triggers of an image copy from is known only now.
  const triggers = new Map([...known].flatMap(([key, { config }]) => (config.config?.OnBuild?.some((trigger) => trigger.includes('from=')) ? [[key, config.config.OnBuild] as const] : [])));
  const outline = triggers.size === 0 ? first : outlineBuild(dockerfile, options, triggers);
  const bases = outline === first ? known : new Map([...known, ...(await obtain({ ...outline, images: new Map([...outline.images].filter(([key]) => !known.has(key))) }))]);
  const trees = await named.trees(outline.contexts);
  const plan = planBuild(outline, bases, options);
  const report = checkDockerfile({ dockerfile, text, options, missing: plan.missing, ignore: opened.tree.filter, more: wrongPlatforms(outline.images, bases, options) });
  const used = [...outline.images].flatMap(([key, { ref }]) => {
    const image = bases.get(key);
    return image ? [{ ref, image }] : [];
  });
  return { options, plan, report, tree: { ...opened.tree, named: trees }, bases: used };
}

/** Images that are here for another platform than what is built, where none was asked for. */
function wrongPlatforms(needed: ReturnType<typeof outlineBuild>['images'], bases: ReadonlyMap<string, BaseImage>, { platform }: PlanOptions): BuildWarning[] {
  return [...needed].flatMap(([key, need]): BuildWarning[] => {
    const config = bases.get(key)?.config;
    if (!config || need.platform || fitsPlatform(config, platform)) return [];
    return [{ rule: 'InvalidBaseImagePlatform', place: need.place, detail: `Base image ${need.ref} was pulled with platform "${formatPlatform({ os: config.os, architecture: config.architecture })}", expected "${formatPlatform(platform)}" for current build` }];
  });
}
