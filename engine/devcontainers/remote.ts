import type { ContainerInspect } from '../api/docker/containerView.ts';
import type { MergedConfig } from './config/metadata.ts';
import { substituteContainer } from './config/substitute.ts';
import { environmentOf } from './containerLookup.ts';
import type { Definition } from './definition.ts';
import { probeUser } from './lifecycle/probe.ts';
import type { DevExecs } from './ports.ts';
import type { ProbedEnvironment, WorkspaceStore } from './workspaceStore.ts';

/** How tools run processes in a dev container: as whom, where, in which environment. */
export interface Remote {
  readonly user: string;
  readonly cwd: string;
  readonly shell: string;
  /** `NAME=value`; a bare `NAME` takes the container's variable away. */
  readonly env: readonly string[];
}

export interface RemoteParts {
  readonly execs: DevExecs;
  readonly store: WorkspaceStore;
  readonly definition: Definition;
  readonly merged: MergedConfig;
  readonly details: ContainerInspect;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** The remote user: remoteUser, else whom the container runs as. */
export function remoteUserOf(merged: MergedConfig, containerUser: string): string {
  return merged.remoteUser || containerUser || 'root';
}

/** Works the remote environment out: what the user's shell sets up, and `remoteEnv` over it. The probe is made once for each start of the container. */
export async function resolveRemote(parts: RemoteParts): Promise<Remote> {
  const { merged, details, definition } = parts;
  const user = remoteUserOf(merged, details.Config.User ?? '');
  const probed = await probe(parts, user);
  const own = Object.entries(substituteContainer(merged.remoteEnv, environmentOf(details)));
  const env = { ...probed.env, ...Object.fromEntries(own.filter(([, value]) => value !== null)) };
  const removed = own.filter(([, value]) => value === null).map(([name]) => name);
  return { user, cwd: definition.workspace.folder, shell: probed.shell, env: [...Object.entries(env).filter(([name]) => !removed.includes(name)).map(([name, value]) => `${name}=${value}`), ...removed] };
}

async function probe(parts: RemoteParts, user: string): Promise<ProbedEnvironment> {
  const { store, definition, details, merged } = parts;
  const key = [details.Id, details.State.StartedAt, user, merged.userEnvProbe].join(' ');
  const record = await store.read(definition.id, { folder: definition.folder, configFile: definition.configFile, containerId: details.Id });
  if (record.probe?.key === key) return record.probe;
  const { shell, env, problem } = await probeUser(parts.execs, details.Id, user, merged.userEnvProbe, parts.signal);
  const probed: ProbedEnvironment = { key, shell, env: { ...env } };
  // What went wrong once may go well the next time.
  if (problem === undefined) await store.write(definition.id, { ...record, probe: probed });
  else parts.warn(`the environment of ${user} is not known: ${problem}`);
  return probed;
}
