import { LogicalLineReader } from '../dockerfile/logicalLines.ts';
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
  // A trigger goes into the image as text: with its documents behind it.
  const trigger = [at.args, ...at.heredocs.map(({ content, name }) => `${content}${name}`)].join('\n');
  const inner = triggerStatement(at, trigger);
  if (inner.keyword === 'ONBUILD') return at.fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (inner.keyword === 'FROM' || inner.keyword === 'MAINTAINER') return at.fail(`${inner.keyword} isn't allowed as an ONBUILD trigger`);
  return { kind: 'onbuild', at, trigger };
}

/** The trigger as an instruction, standing where `at` stands. */
export function triggerStatement(at: Statement, trigger: string): Statement {
  const { line, column } = at.place(at.argsAt);
  const source = (text: string): SourceText => new SourceText(text, [{ at: 0, line, column }]);
  const [first] = trigger.includes('\n') ? new LogicalLineReader(trigger.split('\n'), '\\', at.file).read() : [];
  return first ? new Statement(source(first.source.text), first.heredocs, '\\', at.file) : new Statement(source(trigger), [], '\\', at.file);
}

export function applyOnbuild(node: OnbuildInstruction, stage: StageState): void {
  stage.config.OnBuild = [...(stage.config.OnBuild ?? []), node.trigger];
  stage.note(node.at, `ONBUILD ${node.trigger}`);
}
