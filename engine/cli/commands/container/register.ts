import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerAttach } from './attach.ts';
import { registerCreate } from './create.ts';
import { registerContainerExec } from './exec.ts';
import { registerFiles } from './files.ts';
import { registerInspect } from './inspect.ts';
import { registerContainerStop, registerLifeCycle } from './lifeCycle.ts';
import { registerLogs } from './logs.ts';
import { registerPs } from './ps.ts';
import { registerRun } from './run.ts';
import { registerWait } from './wait.ts';

/** `berth container …`, and the same commands at the top level where they are not also those of a dev container. */
export function registerContainerCommands(program: Command, context: CliContext): void {
  const group = program.command('container').description('containers: the same commands as at the top level, and exec and stop by name').enablePositionalOptions();
  for (const parent of [program, group]) {
    registerRun(parent, context);
    registerCreate(parent, context);
    registerLifeCycle(parent, context);
    registerWait(parent, context);
    registerLogs(parent, context);
    registerAttach(parent, context);
    registerFiles(parent, context);
  }
  registerPs(program, context);
  registerPs(group, context, 'ls');
  registerInspect(program, context);
  registerInspect(group, context, 'container');
  registerContainerExec(group, context);
  registerContainerStop(group, context);
}
