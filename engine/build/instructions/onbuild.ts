import { Statement } from '../dockerfile/statement.ts';
import { SourceText } from '../dockerfile/position.ts';
import type { StageState } from '../plan/stageState.ts';

export interface OnbuildInstruction {
  readonly kind: 'onbuild';
  readonly at: Statement;
  /** The instruction to run when the image is built upon. */
  readonly trigger: string;
}

export function parseOnbuild(at: Statement): OnbuildInstruction {
  const inner = triggerStatement(at, at.args);
  if (inner.keyword === 'ONBUILD') return at.fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (inner.keyword === 'FROM' || inner.keyword === 'MAINTAINER') return at.fail(`${inner.keyword} isn't allowed as an ONBUILD trigger`);
  return { kind: 'onbuild', at, trigger: at.args };
}

/** The trigger as an instruction, standing where `at` stands. */
export function triggerStatement(at: Statement, trigger: string): Statement {
  const { line, column } = at.place(at.argsAt);
  return new Statement(new SourceText(trigger, [{ at: 0, line, column }]), [], '\\', at.file);
}

export function applyOnbuild(node: OnbuildInstruction, stage: StageState): void {
  stage.config.OnBuild = [...(stage.config.OnBuild ?? []), node.trigger];
  stage.note(node.at, `ONBUILD ${node.trigger}`);
}
