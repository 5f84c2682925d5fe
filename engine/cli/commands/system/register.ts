import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerDiskUsage } from './diskUsage.ts';
import type { EveryEngine } from './diskUsage.ts';
import { registerEvents } from './events.ts';
import { registerVersionAndInfo } from './version.ts';

/** `berth events`, `berth version`, `berth info`, `berth system df`. */
export function registerSystemCommands(everyEngine: EveryEngine): (program: Command, context: CliContext) => void {
  return (program, context) => {
    registerEvents(program, context);
    registerVersionAndInfo(program, context);
    registerDiskUsage(program, context, everyEngine);
  };
}
