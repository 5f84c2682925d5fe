import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerEvents } from './events.ts';
import { registerVersionAndInfo } from './version.ts';

/** `berth events`, `berth version`, `berth info`. */
export function registerSystemCommands(program: Command, context: CliContext): void {
  registerEvents(program, context);
  registerVersionAndInfo(program, context);
}
