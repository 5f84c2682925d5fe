import { posix } from 'node:path';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';

export interface WorkdirInstruction {
  readonly kind: 'workdir';
  readonly at: Statement;
  readonly path: Token;
}

export function parseWorkdir(at: Statement): WorkdirInstruction {
  return { kind: 'workdir', at, path: at.token(at.argsAt, at.source.text.length) };
}

export function applyWorkdir(node: WorkdirInstruction, stage: StageState): void {
  const path = node.at.expand(node.path, stage.lookup);
  if (path === '') node.at.fail('WORKDIR requires a path: it is empty once its variables are replaced', node.path);
  const absolute = posix.resolve('/', stage.config.WorkingDir || '/', path);
  stage.config.WorkingDir = absolute;
  if (absolute === '/') stage.note(node.at, `WORKDIR ${absolute}`);
  else stage.step(node.at, `WORKDIR ${absolute}`, { kind: 'workdir', path: absolute, owner: stage.config.User ?? '' });
}
