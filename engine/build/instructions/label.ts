import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';
import { readKeyValues, showPairs } from './keyValues.ts';
import type { KeyValue } from './keyValues.ts';

export interface LabelInstruction {
  readonly kind: 'label';
  readonly at: Statement;
  readonly pairs: readonly KeyValue[];
}

export function parseLabel(at: Statement): LabelInstruction {
  return { kind: 'label', at, pairs: readKeyValues(at) };
}

export function applyLabel(node: LabelInstruction, stage: StageState): void {
  const pairs = node.pairs.map(({ key, value }) => [node.at.expand(key, stage.lookup), node.at.expand(value, stage.lookup)] as const);
  stage.config.Labels = { ...stage.config.Labels, ...Object.fromEntries(pairs) };
  stage.note(node.at, `LABEL ${showPairs(pairs)}`);
}
