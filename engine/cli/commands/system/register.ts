import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerCheck } from './check.ts';
import { registerDiskUsage } from './diskUsage.ts';
import type { EveryEngine } from './diskUsage.ts';
import { registerEvents } from './events.ts';
import { registerPrune } from './prune.ts';
import { registerVersionAndInfo } from './version.ts';

/** `berth events`, `berth version`, `berth info`, `berth system df`, `berth system check`, `berth system prune`. */
export function registerSystemCommands(everyEngine: EveryEngine): (program: Command, context: CliContext) => void {
  return (program, context) => {
    registerEvents(program, context);
    registerVersionAndInfo(program, context);
    const system = program.command('system').description('the engine as a whole');
    registerDiskUsage(system, context, everyEngine);
    registerCheck(system, context);
    registerPrune(system, context);
  };
}
