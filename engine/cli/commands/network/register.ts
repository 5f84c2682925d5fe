import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerConnect, registerDisconnect } from './connect.ts';
import { registerCreate } from './create.ts';
import { registerInspect } from './inspect.ts';
import { registerList } from './list.ts';
import { registerLogs } from './logs.ts';
import { registerPrune, registerRemove } from './remove.ts';

/** `berth network …` */
export function registerNetworkCommands(program: Command, context: CliContext): void {
  const group = program.command('network').description('networks of containers');
  for (const register of [registerList, registerCreate, registerInspect, registerConnect, registerDisconnect, registerLogs, registerRemove, registerPrune]) register(group, context);
}
