import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createdSchema } from '../../../api/docker/container.ts';
import { ApiError } from '../../../api/client.ts';
import type { ApiClient } from '../../../api/client.ts';
import { FlagArgError } from '../../../api/docker/run/parseFlags.ts';
import { parseRunArgs, runFlagHelp } from '../../../api/docker/run/parseRunArgs.ts';
import type { RunDraft } from '../../../api/docker/run/flags.ts';
import type { CliContext } from '../../context.ts';
import { authHeaders } from '../../registry/credentials.ts';
import { pullImage } from '../image/pull.ts';

/** The arguments of `berth run` and `berth create`; undefined: help was asked for. */
export function parseRequest(context: CliContext, args: readonly string[]): { draft: RunDraft; image: string } | undefined {
  const host = { folder: context.cwd, env: (name: string) => context.env[name], readFile: (path: string) => readFileSync(resolve(context.cwd, path), 'utf8') };
  const { draft, rest } = parseRunArgs(args, host);
  if (draft.help === true) return undefined;
  const [image, ...command] = rest;
  if (image === undefined) throw new FlagArgError('invalid', args.length, '', 'an image is missing. See berth run --help');
  draft.body.Image = image;
  if (command.length > 0) draft.body.Cmd = command;
  return { draft, image };
}

/** Creates the container; an image that is not here is pulled first, unless `--pull never`. Returns its id. */
export async function createContainer(context: CliContext, client: ApiClient, draft: RunDraft, image: string): Promise<string> {
  const create = () => client.json('POST', '/containers/create', createdSchema, { json: draft.body, query: { name: draft.name, platform: draft.platform } });
  const pull = async () => pullImage(client, image, { platform: draft.platform, headers: await authHeaders(context.env, image), signal: context.signal }, context.stderr, draft.quiet ?? false);
  if (draft.pull === 'always') await pull();
  let created: Awaited<ReturnType<typeof create>>;
  try {
    created = await create();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404 || draft.pull === 'never' || !/no such image/i.test(error.message)) throw error;
    context.stderr.write(`${image} is not here: getting it\n`);
    await pull();
    created = await create();
  }
  for (const warning of created.Warnings ?? []) context.stderr.write(`warning: ${warning}\n`);
  return created.Id;
}

/** The help of `berth run` and `berth create`, from the table of flags. */
export function requestHelp(usage: string, about: string): string {
  const rows = runFlagHelp();
  const width = Math.max(...rows.map(([names]) => names.length));
  return `Usage: ${usage}\n\n${about}\n\nOptions:\n${rows.map(([names, help]) => `  ${names.padEnd(width)}  ${help}\n`).join('')}`;
}
