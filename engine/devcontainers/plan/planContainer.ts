import type { CreateBody, IdPair, Mount } from '../../api/docker/run/createBody.ts';
import { FlagArgError } from '../../api/docker/run/parseFlags.ts';
import { parseRunArgs } from '../../api/docker/run/parseRunArgs.ts';
import type { RunHost } from '../../api/docker/run/flags.ts';
import type { RunDraft } from '../../api/docker/run/flags.ts';
import type { RunConfig } from '../../content/oci.ts';
import type { ConfigDocument } from '../config/configDocument.ts';
import type { MergedConfig } from '../config/metadata.ts';
import type { DevContainerConfig } from '../config/schema.ts';
import { invalidAt, unsupportedAt } from '../config/validate.ts';
import { isPossibleUserns } from '../users/mapping.ts';
import type { Idmap, IdWishes, WorkspaceIds } from '../users/mapping.ts';
import { setCommand } from './planCommand.ts';
import { planMounts } from './planMounts.ts';
import { addAppPorts } from './planPorts.ts';
import type { Workspace } from './workspace.ts';

export interface ContainerPlanInput {
  readonly document: ConfigDocument;
  /** devcontainer.json, substituted. */
  readonly config: DevContainerConfig;
  /** With the image's metadata, substituted. */
  readonly merged: MergedConfig;
  readonly workspace: Workspace;
  readonly image: { readonly reference: string; readonly config: RunConfig };
  /** What the workspace needs to belong to the remote user, given whom the container runs as. */
  readonly idsOf: (containerUser: string, wishes: IdWishes) => WorkspaceIds;
  /** Our own mounts. */
  readonly tools: readonly Mount[];
  /** Labels by which it is found, and ours. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its name unless runArgs say another. */
  readonly name: string;
  readonly host: RunHost;
}

export interface ContainerPlan {
  readonly name: string;
  readonly body: CreateBody;
  /** For whom the image's layers must be copied. */
  readonly keepId?: IdPair;
}

/** What to ask Docker's API for. Pure but for what `host` reads for runArgs. Throws DEVCONTAINER_INVALID and DEVCONTAINER_UNSUPPORTED. */
export function planContainer(input: ContainerPlanInput): ContainerPlan {
  const { document, config, merged, workspace } = input;
  const draft = parseOwnRunArgs(document, config.runArgs ?? [], input.host);
  const { body } = draft;
  const host = body.HostConfig;
  // Editors and files come in from outside, with the ids of the engine's own namespace: whatever its setting, dev containers are there, or have a map that makes its user another one.
  const asked = host.UsernsMode ?? '';
  if (!isPossibleUserns(asked)) throw unsupportedAt(document, ['runArgs'], '--userns');
  body.Image = input.image.reference;
  body.Labels = { ...body.Labels, ...input.labels };
  body.Env = [...Object.entries(merged.containerEnv).map(([name, value]) => `${name}=${value}`), ...(body.Env ?? [])];
  body.User ??= merged.containerUser ?? input.image.config.User ?? '';
  const ids = input.idsOf(body.User, { asked, joins: [host.NetworkMode, host.PidMode, host.IpcMode].some((mode) => mode?.startsWith('container:')) });
  host.UsernsMode = ids.userns ?? 'host';
  // Else who is kept would be the user of a container that says none.
  if (ids.keepId) body.User ||= '0';
  if (merged.init) host.Init ??= true;
  if (merged.privileged) host.Privileged ??= true;
  host.CapAdd = union(merged.capAdd, host.CapAdd);
  host.SecurityOpt = union(merged.securityOpt, host.SecurityOpt);
  host.Mounts = [...workspaceMounts(workspace, ids.idmap), ...planMounts(document, merged.mounts, input.host.folder), ...(host.Mounts ?? []), ...input.tools];
  if (host.NetworkMode !== 'host') addAppPorts(body, document, config.appPort);
  setCommand(body, input.image.config, merged.overrideCommand);
  return { name: draft.name ?? input.name, body, ...(ids.keepId ? { keepId: ids.keepId } : {}) };
}

function parseOwnRunArgs(document: ConfigDocument, args: readonly string[], host: RunHost): RunDraft {
  try {
    const { draft, rest } = parseRunArgs(args, host);
    if (rest.length > 0) throw new FlagArgError('invalid', args.length - rest.length, '', `expected a flag of docker run, found ${rest[0] ?? ''}`);
    return draft;
  } catch (error) {
    if (!(error instanceof FlagArgError)) throw error;
    const path = ['runArgs', error.index];
    throw error.kind === 'unsupported' ? unsupportedAt(document, path, error.flag) : invalidAt(document, path, error.message);
  }
}

function workspaceMounts(workspace: Workspace, idmap: Idmap | undefined): NonNullable<CreateBody['HostConfig']['Mounts']> {
  const { mount } = workspace;
  if (!mount) return [];
  if (!idmap || mount.Type !== 'bind') return [mount];
  return [{ ...mount, BindOptions: { ...mount.BindOptions, Idmap: idmap } }];
}

function union(first: readonly string[], second: readonly string[] | undefined): string[] {
  return [...new Set([...first, ...(second ?? [])])];
}
