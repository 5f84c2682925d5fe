import type { Command } from 'commander';
import { z } from 'zod';
import { ApiError } from '../../../api/client.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { renderTemplate } from '../../output/template.ts';
import { containerOf, isFolder, referenceHelp } from './reference.ts';

interface InspectOptions {
  readonly format?: string;
  readonly type?: string;
}

/** `berth inspect`: a container, else an image, of that name. */
export function registerInspect(parent: Command, context: CliContext, type?: 'container' | 'image'): void {
  const command = parent
    .command('inspect <names...>')
    .description(type === 'image' ? 'print all about images' : `print all about containers or images. ${referenceHelp}`)
    .option('-f, --format <template>', 'print by a template, as {{.State.Status}}');
  if (type === undefined) command.option('--type <type>', 'container or image');
  command.action((names: string[], options: InspectOptions) => inspect(context, names, type ?? options.type, options.format));
}

async function inspect(context: CliContext, names: readonly string[], type: string | undefined, format: string | undefined): Promise<void> {
  const client = await context.engine();
  const found: unknown[] = [];
  let failure: Error | undefined;
  for (const name of names) {
    try {
      found.push(await one(context, client, name, type));
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }
  if (format === undefined) context.stdout.write(`${JSON.stringify(found, null, 4)}\n`);
  else for (const value of found) context.stdout.write(`${renderTemplate(format, value)}\n`);
  if (failure) throw failure;
}

async function one(context: CliContext, client: ApiClient, name: string, type: string | undefined): Promise<unknown> {
  // A name with a slash may be an image's too: the folder is meant only when it looks like nothing else.
  const mayBeFolder = isFolder(name) && /^[./]/.test(name);
  if (type !== 'image') {
    try {
      const id = mayBeFolder ? await containerOf(context, client, name) : encodeURIComponent(name);
      return await client.json('GET', `/containers/${id}/json`, z.unknown());
    } catch (error) {
      if (type === 'container' || mayBeFolder || !(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }
  try {
    return await client.json('GET', `/images/${name}/json`, z.unknown());
  } catch (error) {
    if (type === undefined && error instanceof ApiError && error.status === 404) throw new ApiError(404, `No such container or image: ${name}`, 'NOT_FOUND', { kind: 'container or image', id: name });
    throw error;
  }
}
