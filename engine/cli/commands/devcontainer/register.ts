import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import type { OwnCommand } from '../ssh/sync.ts';
import { registerDown } from './down.ts';
import { registerExec } from './exec.ts';
import { registerList } from './list.ts';
import { registerOpen } from './open.ts';
import { registerPorts } from './ports.ts';
import { registerShell } from './shell.ts';
import { registerStop } from './stop.ts';
import { registerUp } from './up.ts';

/** The commands about dev containers: `berth up|open|exec|shell|stop|down|list|ports`. */
export function registerDevContainerCommands(own: OwnCommand): (program: Command, context: CliContext) => void {
  return (program, context) => {
    registerUp(program, context, own);
    registerOpen(program, context);
    registerExec(program, context);
    registerShell(program, context);
    registerStop(program, context);
    registerDown(program, context);
    registerList(program, context);
    registerPorts(program, context);
  };
}
