import { argv, readCommand } from '../dockerfile/command.ts';
import type { Command } from '../dockerfile/command.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';

export interface EntrypointInstruction {
  readonly kind: 'entrypoint';
  readonly at: Statement;
  readonly command: Command;
}

export function parseEntrypoint(at: Statement): EntrypointInstruction {
  return { kind: 'entrypoint', at, command: readCommand(at) };
}

export function applyEntrypoint(node: EntrypointInstruction, stage: StageState): void {
  const args = argv(node.command, stage.shell);
  stage.config.Entrypoint = args;
  // A CMD inherited from the base was meant for the base's entry point.
  if (!stage.cmdSet) delete stage.config.Cmd;
  stage.note(node.at, `ENTRYPOINT ${JSON.stringify(args)}`);
}
