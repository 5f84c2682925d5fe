import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigDocument } from './config/configDocument.ts';
import { devcontainerId, idLabels } from './config/devcontainerId.ts';
import { findConfig, readConfig, realFolder } from './config/discover.ts';
import type { DevContainerConfig, MetadataEntry } from './config/schema.ts';
import { mergeMetadata } from './config/metadata.ts';
import type { MergedConfig } from './config/metadata.ts';
import { substituteHost } from './config/substitute.ts';
import type { HostVariables } from './config/substitute.ts';
import { validateConfig } from './config/validate.ts';
import { definitionDigest, dockerfileOf } from './plan/planImage.ts';
import { planWorkspace } from './plan/workspace.ts';
import type { Workspace } from './plan/workspace.ts';

/** A devcontainer.json, read, checked and substituted, with what follows from it before there is a container. */
export interface Definition {
  readonly folder: string;
  readonly configFile: string;
  readonly document: ConfigDocument;
  /** Substituted by the host's variables. */
  readonly config: DevContainerConfig;
  readonly warnings: readonly string[];
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly variables: HostVariables;
  readonly workspace: Workspace;
  /** Changes when the container would be another one. */
  readonly digest: string;
}

/** Reads the definition of a folder. Throws WORKSPACE_FOLDER_NOT_FOUND, DEVCONTAINER_NOT_FOUND, DEVCONTAINER_INVALID, DEVCONTAINER_UNSUPPORTED. */
export async function readDefinition(request: { folder: string; config?: string | undefined; localEnv?: Readonly<Record<string, string>> | undefined }): Promise<Definition> {
  const folder = await realFolder(request.folder);
  const configFile = await findConfig(folder, request.config);
  const document = ConfigDocument.parse(configFile, await readConfig(folder, configFile));
  const { config, warnings } = validateConfig(document);
  const labels = idLabels(folder, configFile);
  const id = devcontainerId(labels);
  const early: HostVariables = { localEnv: request.localEnv ?? process.env, localWorkspaceFolder: folder, devcontainerId: id };
  const workspace = planWorkspace(document, config, early, await gitRoot(folder));
  const variables = { ...early, containerWorkspaceFolder: workspace.folder };
  const substituted = substituteHost(config, variables);
  const dockerfile = dockerfileOf(substituted, configFile);
  const dockerfileText = dockerfile === undefined ? undefined : await readFile(dockerfile, 'utf8').catch(() => undefined);
  return { folder, configFile, document, config: substituted, warnings, id, labels, variables, workspace, digest: definitionDigest(config, dockerfileText) };
}

/** The definition together with what an image's label says. */
export function mergeWithImage(definition: Definition, image: readonly MetadataEntry[]): MergedConfig {
  return mergeMetadata(substituteHost(image, definition.variables), definition.config);
}

/** The nearest folder at or above with a git repository of its own; the folder itself outside of one. */
async function gitRoot(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await exists(join(at, '.git', 'config'))) return at;
    if (at === dirname(at)) return folder;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
