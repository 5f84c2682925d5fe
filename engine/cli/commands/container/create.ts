import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { createContainer, parseRequest, requestHelp } from './runRequest.ts';

const usage = 'berth create [options] IMAGE [COMMAND] [ARG...]';
const about = 'Create a container without starting it. The flags are those of docker create.';

/** `berth create`. The flags have their own table, so that runArgs of a dev container mean the same. */
export function registerCreate(parent: Command, context: CliContext): void {
  parent
    .command('create')
    .description('create a container without starting it (flags: berth create --help)')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[args...]')
    .action(async (args: string[]) => {
      const request = parseRequest(context, args);
      if (!request) {
        context.stdout.write(requestHelp(usage, about));
        return;
      }
      const id = await createContainer(context, await context.engine(), request.draft, request.image);
      if (request.draft.cidfile !== undefined) await writeFile(resolve(context.cwd, request.draft.cidfile), id, { flag: 'wx' });
      context.stdout.write(`${id}\n`);
    });
}
