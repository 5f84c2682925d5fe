import type { Command } from 'commander';
import { cloneEventSchema } from '../../api/berth/sync.ts';
import { ApiError } from '../../api/client.ts';
import type { CliContext } from '../context.ts';

/** `berth clone`: by the git of the engine's host. Prints the folder, for `berth up`. */
export function registerClone(program: Command, context: CliContext): void {
  program
    .command('clone <url> [folder]')
    .description("clone a repository on the engine's host (default: to ~/berth/<name>), and print the folder")
    .option('-b, --branch <name>', 'check out this branch or tag')
    .option('-q, --quiet', 'do not show progress')
    .action((url: string, folder: string | undefined, options: { branch?: string; quiet?: boolean }) => clone(context, url, folder, options));
}

async function clone(context: CliContext, url: string, folder: string | undefined, options: { branch?: string; quiet?: boolean }): Promise<void> {
  const client = await context.engine();
  const json = { url, ...(folder === undefined ? {} : { folder }), ...(options.branch === undefined ? {} : { branch: options.branch }) };
  for await (const event of client.lines('POST', '/berth/v1/clone', cloneEventSchema, { json, signal: context.signal })) {
    if (event.type === 'error') throw new ApiError(400, event.message, event.code, event.params);
    if (event.type === 'result') context.stdout.write(`${event.folder}\n`);
    else if (options.quiet !== true) context.stderr.write(event.text);
  }
}
