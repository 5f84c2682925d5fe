import { isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import type { DevContainerRef } from '../../../api/berth/devcontainer.ts';
import type { CliContext } from '../../context.ts';
import { folderPath } from '../container/reference.ts';

export interface TargetOptions {
  readonly config?: string;
}

export function withConfigOption(command: Command): Command {
  return command.option('--config <file>', 'the devcontainer.json, where the folder has several');
}

/** The dev container that a folder (default: this one) and `--config` name. */
export async function targetOf(context: CliContext, folder: string | undefined, options: TargetOptions): Promise<DevContainerRef> {
  const path = await folderPath(context, folder ?? '.');
  if (options.config === undefined) return { folder: path };
  return { folder: path, config: isAbsolute(options.config) ? options.config : resolve(context.cwd, options.config) };
}

/** Our environment, for `${localEnv:…}`. */
export function localEnv(context: CliContext): Record<string, string> {
  return Object.fromEntries(Object.entries(context.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
