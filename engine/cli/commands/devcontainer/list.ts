import type { Command } from 'commander';
import { z } from 'zod';
import { devContainerSchema } from '../../../api/berth/devcontainer.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';

/** `berth list`. */
export function registerList(parent: Command, context: CliContext): void {
  parent
    .command('list')
    .alias('ls')
    .description('list dev containers')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const found = await (await context.engine()).json('GET', '/berth/v1/devcontainers', z.array(devContainerSchema));
      if (options.json === true) context.stdout.write(`${JSON.stringify(found)}\n`);
      else context.stdout.write(formatTable(['FOLDER', 'STATUS', 'CONTAINER', 'DEFINITION'], found.map((one) => [one.folder, one.status, one.name, relative(one.folder, one.configFile)])));
    });
}

function relative(folder: string, file: string): string {
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
}
