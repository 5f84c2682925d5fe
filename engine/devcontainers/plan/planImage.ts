import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { BuildRequestBody } from '../../api/berth/build.ts';
import { cachesFrom, parseBuildOptions } from '../../api/docker/build/buildOptions.ts';
import type { BuildHost } from '../../api/docker/build/buildOptions.ts';
import { FlagArgError } from '../../api/docker/run/parseFlags.ts';
import type { ConfigDocument } from '../config/configDocument.ts';
import type { DevContainerConfig } from '../config/schema.ts';
import { invalidAt, unsupportedAt } from '../config/validate.ts';

/** Where the image comes from. */
export type ImagePlan =
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'build'; readonly request: BuildRequestBody; readonly tag: string; /** Lines for people about what has no effect. */ readonly warnings: readonly string[] };

export interface ImagePlanInput {
  /** For the places of errors. */
  readonly document: ConfigDocument;
  /** Substituted. */
  readonly config: DevContainerConfig;
  readonly configFile: string;
  readonly folder: string;
  readonly id: string;
  readonly host: BuildHost;
}

/**
 * Which image to use or to build. Paths are absolute; those in the file are relative to its folder, those of `build.options` to the dev container's, and the context is the
 * Dockerfile's folder unless said. Pure but for what `host` reads for `build.options`. Throws DEVCONTAINER_INVALID and DEVCONTAINER_UNSUPPORTED.
 */
export function planImage({ document, config, configFile, folder, id, host }: ImagePlanInput): ImagePlan {
  if (config.image !== undefined) return { kind: 'image', reference: config.image };
  const here = dirname(configFile);
  const { build = {} } = config;
  const dockerfile = absolute(here, build.dockerfile ?? config.dockerFile ?? 'Dockerfile');
  const context = build.context ?? config.context;
  const warnings: string[] = [];
  const own = { buildArgs: build.args ?? {}, ...(build.target === undefined ? {} : { target: build.target }), cacheFrom: caches(build.cacheFrom).flatMap((text) => cachesFrom(text, host, warnings)) };
  const options = buildOptions(document, build.options ?? [], host);
  const tag = imageTag(folder, id);
  const request: BuildRequestBody = {
    context: { kind: 'directory', path: context === undefined ? dirname(dockerfile) : absolute(here, context) },
    dockerfile,
    ...own,
    ...options.body,
    buildArgs: { ...own.buildArgs, ...options.body.buildArgs },
    cacheFrom: [...own.cacheFrom, ...(options.body.cacheFrom ?? [])],
    tags: [tag, ...(options.body.tags ?? [])],
  };
  return { kind: 'build', request, tag, warnings: [...warnings, ...options.warnings] };
}

function caches(cacheFrom: string | readonly string[] = []): readonly string[] {
  return typeof cacheFrom === 'string' ? [cacheFrom] : cacheFrom;
}

function buildOptions(document: ConfigDocument, args: readonly string[], host: BuildHost): ReturnType<typeof parseBuildOptions> {
  try {
    return parseBuildOptions(args, host);
  } catch (error) {
    if (!(error instanceof FlagArgError)) throw error;
    const path = ['build', 'options', error.index];
    throw error.kind === 'unsupported' ? unsupportedAt(document, path, `The option ${error.message},`) : invalidAt(document, path, error.message);
  }
}

function absolute(folder: string, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

/** The same name for the same definition, so that a rebuilt image takes the place of the one before. */
function imageTag(folder: string, id: string): string {
  return `berth-${namePart(folder)}:${shortHash(id)}`;
}

/** A container's name for people: the folder's name, and enough of the id to be its own. */
export function containerName(folder: string, id: string): string {
  return `${namePart(folder)}-${shortHash(id).slice(0, 6)}`;
}

function namePart(folder: string): string {
  const name = basename(folder).toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
  return name === '' ? 'dev' : name;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Properties that only matter to processes in the container or to tools: changing them needs no new container. */
const softProperties: ReadonlySet<string> = new Set(['$schema', 'name', 'remoteEnv', 'userEnvProbe', 'shutdownAction', 'waitFor', 'customizations', 'hostRequirements', 'forwardPorts', 'portsAttributes', 'otherPortsAttributes', 'secrets', 'initializeCommand', 'onCreateCommand', 'updateContentCommand', 'postCreateCommand', 'postStartCommand', 'postAttachCommand']);

/** Changes when a container made from the definition would be another one. `dockerfile`: its text, if there is one. */
export function definitionDigest(config: DevContainerConfig, dockerfile: string | undefined): string {
  const kept = Object.entries(config).filter(([name]) => !softProperties.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify([kept, dockerfile ?? null])).digest('hex');
}

/** The Dockerfile that a definition names, for its digest. */
export function dockerfileOf(config: DevContainerConfig, configFile: string): string | undefined {
  const name = config.build?.dockerfile ?? config.dockerFile;
  return name === undefined ? undefined : join(absolute(dirname(configFile), name));
}
