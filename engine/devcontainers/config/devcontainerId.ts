import { createHash } from 'node:crypto';

export const localFolderLabel = 'devcontainer.local_folder';
export const configFileLabel = 'devcontainer.config_file';

/** The labels by which the containers of a definition are found. */
export function idLabels(folder: string, configFile: string): Record<string, string> {
  return { [localFolderLabel]: folder, [configFileLabel]: configFile };
}

/** `${devcontainerId}`: sha256 of the labels as compact JSON with sorted keys, written in base 32, 52 characters. */
export function devcontainerId(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const digest = createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
  return BigInt(`0x${digest}`).toString(32).padStart(52, '0');
}
