import type { DevContainerState } from './actions.ts';
import type { Container } from './containerState.ts';

export const localFolderLabel = 'devcontainer.local_folder';
export const configFileLabel = 'devcontainer.config_file';

/** A devcontainer.json of the workspace. Paths are absolute, on the engine's host. */
export interface DevContainerConfig {
  readonly folder: string;
  readonly file: string;
  /** Its `name`, or what to call it otherwise. */
  readonly name: string;
}

/** An `up` under way. */
export interface UpProgress {
  readonly config: Pick<DevContainerConfig, 'folder' | 'file'>;
  /** What it is doing, in the engine's words. */
  readonly step: string;
}

/** A dev container: a definition, a container made from one, or both. */
export interface DevContainer {
  /** The host of its engine; empty: this machine. */
  readonly host: string;
  /** The same as long as folder and file are. */
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly file: string;
  readonly state: DevContainerState;
  readonly container: Container | undefined;
  readonly step: string | undefined;
}

export const devContainerKey = (folder: string, file: string): string => `${folder}\n${file}`;

/** The key of the dev container that a container is; undefined for an ordinary container. */
export function devContainerKeyOf(container: Container): string | undefined {
  const folder = container.labels[localFolderLabel];
  return folder === undefined ? undefined : devContainerKey(folder, container.labels[configFileLabel] ?? '');
}

/** Pure: the dev containers of the workspace's definitions, the engine's containers and what is under way, by name. */
export function devContainersOf(configs: readonly DevContainerConfig[], containers: readonly Container[], ups: readonly UpProgress[], host = ''): DevContainer[] {
  const found = new Map<string, DevContainer>();
  for (const config of configs) {
    const key = devContainerKey(config.folder, config.file);
    found.set(key, { host, key, name: config.name, folder: config.folder, file: config.file, state: 'absent', container: undefined, step: undefined });
  }
  for (const container of containers) {
    const key = devContainerKeyOf(container);
    const before = key === undefined ? undefined : found.get(key);
    if (key === undefined || (before?.container && !isBetter(container, before.container))) continue;
    const [folder = '', file = ''] = key.split('\n');
    found.set(key, { host, key, name: before?.name ?? lastSegment(folder), folder, file, state: container.state, container, step: undefined });
  }
  for (const up of ups) {
    const key = keyOfUp(up, [...found.values()]);
    const before = found.get(key) ?? { host, key, name: lastSegment(up.config.folder), ...up.config, container: undefined };
    found.set(key, { ...before, state: 'busy', step: up.step });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name) || a.key.localeCompare(b.key));
}

/** An `up` of a folder, without a definition named, is of the one that is known of it. */
function keyOfUp({ config: { folder, file } }: UpProgress, known: readonly DevContainer[]): string {
  const sameFolder = file === '' ? known.find((item) => item.folder === folder) : undefined;
  return sameFolder?.key ?? devContainerKey(folder, file);
}

/** Of several containers of one definition, the running one, else the newest. */
function isBetter(candidate: Container, than: Container): boolean {
  const running = Number(candidate.state === 'running') - Number(than.state === 'running');
  return running > 0 || (running === 0 && candidate.created > than.created);
}

export const lastSegment = (path: string): string => path.split('/').filter(Boolean).at(-1) ?? path;
