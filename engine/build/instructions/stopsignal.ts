import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';
import type { StageState } from '../plan/stageState.ts';

export interface StopsignalInstruction {
  readonly kind: 'stopsignal';
  readonly at: Statement;
  readonly signal: Token;
}

export function parseStopsignal(at: Statement): StopsignalInstruction {
  const [signal, extra] = plainWords(at);
  if (!signal || extra) return at.fail('STOPSIGNAL requires exactly one argument', extra);
  return { kind: 'stopsignal', at, signal };
}

export function applyStopsignal(node: StopsignalInstruction, stage: StageState): void {
  const signal = node.at.expand(node.signal, stage.lookup);
  if (!/^((SIG)?[A-Z][A-Z0-9+-]*|[1-9]\d?)$/.test(signal)) node.at.fail(`Invalid signal: ${signal}`, node.signal);
  stage.config.StopSignal = signal;
  stage.note(node.at, `STOPSIGNAL ${signal}`);
}
