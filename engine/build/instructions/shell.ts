import { readJsonWords } from '../dockerfile/command.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';

export interface ShellInstruction {
  readonly kind: 'shell';
  readonly at: Statement;
  readonly words: readonly string[];
}

export function parseShell(at: Statement): ShellInstruction {
  const words = readJsonWords(at, at.argsAt);
  if (!words || words.length === 0) return at.fail('SHELL requires the arguments to be in JSON form', at.token(at.argsAt, at.source.text.length));
  return { kind: 'shell', at, words };
}

export function applyShell(node: ShellInstruction, stage: StageState): void {
  stage.config.Shell = [...node.words];
  stage.note(node.at, `SHELL ${JSON.stringify(node.words)}`);
}
