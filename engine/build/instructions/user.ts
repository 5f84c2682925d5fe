import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';
import type { StageState } from '../plan/stageState.ts';

export interface UserInstruction {
  readonly kind: 'user';
  readonly at: Statement;
  readonly user: Token;
}

export function parseUser(at: Statement): UserInstruction {
  const [user, extra] = plainWords(at);
  if (!user || extra) return at.fail('USER requires exactly one argument', extra);
  return { kind: 'user', at, user };
}

export function applyUser(node: UserInstruction, stage: StageState): void {
  const user = node.at.expand(node.user, stage.lookup);
  if (user === '') node.at.fail('USER is empty once its variables are replaced', node.user);
  stage.config.User = user;
  stage.note(node.at, `USER ${user}`);
}
