import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';
import { readKeyValues, showPairs } from './keyValues.ts';
import type { KeyValue } from './keyValues.ts';

export interface EnvInstruction {
  readonly kind: 'env';
  readonly at: Statement;
  readonly pairs: readonly KeyValue[];
}

export function parseEnv(at: Statement): EnvInstruction {
  return { kind: 'env', at, pairs: readKeyValues(at) };
}

export function applyEnv(node: EnvInstruction, stage: StageState): void {
  // All values of one ENV see the environment from before it (Docker's rule).
  const pairs = node.pairs.map(({ key, value }) => [node.at.expand(key, stage.lookup), node.at.expand(value, stage.lookup)] as const);
  for (const [key, value] of pairs) stage.env.set(key, value);
  stage.note(node.at, `ENV ${showPairs(pairs)}`);
}
