import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { DevContainerConfig } from '../config/schema.ts';

/** Where the image comes from. */
export type ImagePlan =
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'build'; readonly context: string; readonly dockerfile: string; readonly target: string | undefined; readonly args: Readonly<Record<string, string>>; readonly tag: string };

/**
 * Which image to use or to build. Paths are absolute; those in the file are relative to its folder, and the context is the
 * Dockerfile's folder unless said. Pure. `config`: substituted.
 */
export function planImage(config: DevContainerConfig, configFile: string, folder: string, id: string): ImagePlan {
  if (config.image !== undefined) return { kind: 'image', reference: config.image };
  const here = dirname(configFile);
  const dockerfile = absolute(here, config.build?.dockerfile ?? config.dockerFile ?? 'Dockerfile');
  const context = config.build?.context ?? config.context;
  return {
    kind: 'build',
    dockerfile,
    context: context === undefined ? dirname(dockerfile) : absolute(here, context),
    target: config.build?.target,
    args: config.build?.args ?? {},
    tag: imageTag(folder, id),
  };
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
