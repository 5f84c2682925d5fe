import { posix, relative, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import type { DevContainerRef } from '../../../api/berth/devcontainer.ts';
import type { CliContext } from '../../context.ts';
import { engineFolderPath, folderPath } from '../container/reference.ts';
import { pathOnHost } from '../../engineFolder.ts';

export interface TargetOptions {
  readonly config?: string;
}

export function withConfigOption(command: Command): Command {
  return command.option('--config <file>', 'the devcontainer.json, where the folder has several');
}

/** The dev container that a folder (default: this one) and `--config` name. */
export async function targetOf(context: CliContext, folder: string | undefined, options: TargetOptions, { begin }: { readonly begin: boolean } = { begin: false }): Promise<DevContainerRef> {
  const path = await engineFolderPath(context, folder ?? '.', { begin });
  if (options.config === undefined) return { folder: path };
  return { folder: path, config: await configPath(context, folder ?? '.', path, options.config) };
}

/** On another host, where it is in that host's folder. */
async function configPath(context: CliContext, folder: string, path: string, config: string): Promise<string> {
  const onHost = pathOnHost(config);
  if (onHost !== undefined) return onHost;
  const local = resolve(context.cwd, config);
  if (context.host === undefined || pathOnHost(folder) !== undefined) return local;
  const inside = relative(await folderPath(context, folder), local).split(sep);
  return inside[0] === '..' ? local : posix.join(path, ...inside);
}

/** Our environment, for `${localEnv:…}`. */
export function localEnv(context: CliContext): Record<string, string> {
  return Object.fromEntries(Object.entries(context.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
