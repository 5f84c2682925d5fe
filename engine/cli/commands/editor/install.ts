import type { Command } from 'commander';
import { editorInstallEventSchema } from '../../../api/berth/webEditor.ts';
import { ApiError } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { UpProgressPrinter } from '../devcontainer/upProgress.ts';

/** `berth editor install`: what `berth open --web` does by itself the first time. */
export function registerEditorCommands(program: Command, context: CliContext): void {
  const editor = program.command('editor').description("the editor's server for dev containers, shared by all of them");
  editor
    .command('install')
    .description("install VS Code's server on the engine's host, from npm or from the folder that BERTH_EDITOR_SERVER named when the engine started")
    .option('--force', 'anew, in the place of the one there is')
    .action((options: { force?: boolean }) => install(context, options.force ?? false));
}

async function install(context: CliContext, force: boolean): Promise<void> {
  const printer = new UpProgressPrinter(context.stderr);
  const client = await context.engine();
  for await (const event of client.lines('POST', '/berth/v1/editor/install', editorInstallEventSchema, { json: { force }, signal: context.signal })) {
    if (event.type !== 'result') printer.print(event);
    else if (event.outcome === 'success') context.stdout.write(`${event.folder}\n`);
    else throw new ApiError(500, event.message, event.code, event.params);
  }
  printer.end();
}
