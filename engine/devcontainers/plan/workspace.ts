import { basename, join, relative } from 'node:path';
import { MountSpecError, parseMount } from '../../api/docker/run/mountSpec.ts';
import type { Mount } from '../../api/docker/run/createBody.ts';
import type { ConfigDocument } from '../config/configDocument.ts';
import type { DevContainerConfig } from '../config/schema.ts';
import { substituteHost } from '../config/substitute.ts';
import type { HostVariables } from '../config/substitute.ts';
import { invalidAt } from '../config/validate.ts';

export interface Workspace {
  /** The folder of the project inside the container. */
  readonly folder: string;
  /** Undefined: the configuration says that nothing is mounted. */
  readonly mount: Mount | undefined;
}

/**
 * Where the project is inside the container and what is mounted there. By default the git root (`root`, the project's folder
 * itself when it is in no repository) at `/workspaces/<its name>`, so that git works inside. Pure. Throws DEVCONTAINER_INVALID.
 */
export function planWorkspace(document: ConfigDocument, config: DevContainerConfig, variables: HostVariables, root: string): Workspace {
  const local = variables.localWorkspaceFolder;
  const rootInside = `/workspaces/${basename(root) || 'workspace'}`;
  const standard = join(rootInside, relative(root, local));
  const folder = config.workspaceFolder === undefined ? standard : substituteHost(config.workspaceFolder, variables);
  if (!folder.startsWith('/')) throw invalidAt(document, ['workspaceFolder'], 'expected an absolute path inside the container');
  if (config.workspaceMount === '') return { folder, mount: undefined };
  if (config.workspaceMount === undefined) return { folder, mount: { Type: 'bind', Source: root, Target: rootInside } };
  try {
    return { folder, mount: parseMount(substituteHost(config.workspaceMount, { ...variables, containerWorkspaceFolder: folder }), local) };
  } catch (error) {
    if (error instanceof MountSpecError) throw invalidAt(document, ['workspaceMount'], error.message);
    throw error;
  }
}
