import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OperationContext } from '../base/context.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import { asBerthError } from '../base/errors.ts';
import { metadataLabel, parseMetadataLabel } from './config/metadata.ts';
import type { MergedConfig } from './config/metadata.ts';
import type { Definition } from './definition.ts';
import { mergeWithImage } from './definition.ts';
import { keepIdMaps } from '../host/keepId.ts';
import { inUserNamespace } from '../host/userNamespace.ts';
import type { Owner } from '../host/userNamespace.ts';
import { devContainerUserUnknown } from './errors.ts';
import { planContainer } from './plan/planContainer.ts';
import type { ContainerPlan } from './plan/planContainer.ts';
import { containerName, planImage } from './plan/planImage.ts';
import { toolMounts } from './plan/planTools.ts';
import type { DevBuilder, DevImage, DevImages } from './ports.ts';
import { step } from './tell.ts';
import type { Tell } from './tell.ts';
import { readImageFile } from './users/imageFile.ts';
import { workspaceIds } from './users/mapping.ts';
import type { IdWishes, WorkspaceIds } from './users/mapping.ts';
import { parseGroups, parsePasswd, resolveUser } from './users/passwd.ts';
import { remoteUserOf } from './remote.ts';

/** On the container: `definition.digest` of what it was made from. */
export const definitionLabel = 'berth.devcontainer.definition';

export interface ImageOptions {
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly auths?: RegistryAuths;
}

/** Gets or builds the image of a definition. */
export async function prepareImage(definition: Definition, ports: { images: DevImages; builder: DevBuilder }, options: ImageOptions, tell: Tell, signal: AbortSignal): Promise<{ image: DevImage; reference: string }> {
  const { document, config, configFile, folder, id, variables } = definition;
  const host = { resolve: (path: string) => resolve(folder, path), env: (name: string) => variables.localEnv[name], readFile: readFileSync };
  const plan = planImage({ document, config, configFile, folder, id, host });
  const ctx: OperationContext = { signal, report: ({ id, status, current, total }) => tell({ type: 'progress', status, ...(id === undefined ? {} : { id }), ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) }) };
  const logins = options.auths ? { auths: options.auths } : {};
  if (plan.kind === 'image') {
    const here = options.pull ? undefined : await resolveHere(ports.images, plan.reference);
    const image = here ?? (await step(tell, 'image', `Getting the image ${plan.reference}`, () => ports.images.obtain(plan.reference, { ...ctx, ...logins })));
    return { image, reference: plan.reference };
  }
  for (const message of plan.warnings) tell({ type: 'warning', message });
  const { target } = plan.request;
  const request = { ...plan.request, ...(options.noCache ? { noCache: true } : {}), ...(options.pull ? { pull: true } : {}) };
  const { imageId } = await step(tell, 'build', `Building the image${target === undefined ? '' : `, stage ${target}`}`, () => ports.builder.build({ request, ...logins }, { ...ctx, onEvent: (event) => tell({ type: 'build', event }) }));
  return { image: await ports.images.resolve(imageId), reference: plan.tag };
}

async function resolveHere(images: DevImages, reference: string): Promise<DevImage | undefined> {
  try {
    return await images.resolve(reference);
  } catch (error) {
    if (asBerthError(error).status === 404) return undefined;
    throw error;
  }
}

/** Plans the container of a definition on its image: asks the host what the plan depends on, then plans purely. */
export async function prepareContainer(definition: Definition, image: DevImage, reference: string, { images, toolsFolder }: { readonly images: DevImages; readonly toolsFolder: string }): Promise<{ plan: ContainerPlan; merged: MergedConfig; warnings: readonly string[] }> {
  const run = image.config.config ?? {};
  const { entries, warnings } = parseMetadataLabel(run.Labels?.[metadataLabel]);
  const merged = mergeWithImage(definition, entries);
  const idsOf = await idsFor(definition, merged, image, reference, images);
  const plan = planContainer({
    document: definition.document,
    config: definition.config,
    merged,
    workspace: definition.workspace,
    image: { reference: image.id, config: run },
    idsOf,
    tools: toolMounts(toolsFolder, definition.id),
    labels: { ...definition.labels, [definitionLabel]: definition.digest },
    name: containerName(definition.folder, definition.id),
    host: { folder: definition.folder, env: (name) => definition.variables.localEnv[name], readFile: (path) => readFileSync(resolve(definition.folder, path), 'utf8') },
  });
  plan.body.Image = reference;
  return { plan, merged, warnings };
}

/** Given the user that the container will run as, what its workspace needs to be the remote user's. */
async function idsFor(definition: Definition, merged: MergedConfig, image: DevImage, reference: string, images: DevImages): Promise<(containerUser: string, wishes: IdWishes) => WorkspaceIds> {
  const { mount } = definition.workspace;
  const rootless = inUserNamespace() ? { canKeep: (user: Owner) => keepIdMaps(user) !== undefined } : undefined;
  const bound = mount?.Type === 'bind' && mount.Source !== undefined && merged.updateRemoteUserUID ? mount.Source : undefined;
  if (bound === undefined && !rootless) return () => ({});
  const folders = images.layerFolders(image.id);
  const [owner, passwd, group] = await Promise.all([bound === undefined ? undefined : stat(bound).catch(() => undefined), readImageFile(folders, '/etc/passwd'), readImageFile(folders, '/etc/group')]);
  return (containerUser, wishes) => {
    const remoteUser = (): Owner => {
      const user = remoteUserOf(merged, containerUser);
      const ids = resolveUser(user, parsePasswd(passwd), parseGroups(group));
      if (!ids) throw devContainerUserUnknown({ user, image: reference });
      return ids;
    };
    // A source that is not there is the runtime's to refuse, in Docker's words.
    return workspaceIds(owner, remoteUser, wishes, rootless);
  };
}
