import { argv, readCommand } from '../dockerfile/command.ts';
import type { Command } from '../dockerfile/command.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';

export interface CmdInstruction {
  readonly kind: 'cmd';
  readonly at: Statement;
  readonly command: Command;
}

export function parseCmd(at: Statement): CmdInstruction {
  return { kind: 'cmd', at, command: readCommand(at) };
}

export function applyCmd(node: CmdInstruction, stage: StageState): void {
  const args = argv(node.command, stage.shell);
  stage.config.Cmd = args;
  stage.cmdSet = true;
  stage.note(node.at, `CMD ${JSON.stringify(args)}`);
}
