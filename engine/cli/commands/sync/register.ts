import type { Command } from 'commander';
import type { Launcher } from '../../../remote/sync/background.ts';
import { SyncRecords, syncStateFolder } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { flushSync } from './flush.ts';
import { listSyncs } from './list.ts';
import { runForeground } from './run.ts';
import { startSync } from './start.ts';
import type { StartOptions } from './start.ts';
import { showSync } from './status.ts';
import { stopSync } from './stop.ts';
import type { SyncOptions } from './target.ts';
import { collect } from '../container/execIn.ts';

const whichHelp = 'the local folder or the id of a sync; default: that of this folder';

/** `berth sync …`: local folders kept equal with folders on the engine's host. */
export function registerSyncCommands(launcher: Launcher): (program: Command, context: CliContext) => void {
  return (program, context) => {
    const group = program.command('sync').description("keep a local folder and one on the engine's host equal, both ways");
    const records = new SyncRecords(syncStateFolder(context.env));
    const withRules = (command: Command): Command =>
      command.option('--ignore <pattern>', 'leave this out, in the notation of .gitignore (!pattern: keep it); may be repeated', collect).option('--no-gitignore', 'sync also what .gitignore leaves out');
    withRules(group.command('start <local> [remote]'))
      .description('sync in the background; remote is a folder of the host (default: ~/berth/<id>/<name>)')
      .option('--until-equal', 'return when both are equal, and print the folder of the host alone', false)
      .action((local: string, remote: string | undefined, options: StartOptions) => startSync(context, records, launcher, { local, remote, options }));
    withRules(group.command('run [local] [remote]'))
      .description('sync in the foreground, until Ctrl+C')
      .option('--id <id>', 'a sync that was set up before')
      .action((local: string | undefined, remote: string | undefined, options: SyncOptions & { id?: string }) => runForeground(context, records, { local, remote, options }));
    group.command('list').alias('ls').description('list the syncs of this machine').option('--json', 'print JSON', false).action((options: { json: boolean }) => listSyncs(context, records, options.json));
    group.command('status [which]').description(`say how a sync is: ${whichHelp}`).option('--json', 'print JSON', false).action((which: string | undefined, options: { json: boolean }) => showSync(context, records, which, options.json));
    group.command('flush [which]').description('wait until both folders are equal').action((which: string | undefined) => flushSync(context, records, which));
    group
      .command('stop [which]')
      .description('end a sync; both folders stay as they are')
      .option('--forget', 'forget also what both had in common: a later start compares anew', false)
      .action((which: string | undefined, options: { forget: boolean }) => stopSync(context, records, which, options.forget));
  };
}
