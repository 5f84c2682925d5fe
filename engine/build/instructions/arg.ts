import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { quotedWords } from '../dockerfile/words.ts';
import type { StageState } from '../plan/stageState.ts';

export interface ArgInstruction {
  readonly kind: 'arg';
  readonly at: Statement;
  readonly declarations: ReadonlyArray<{ readonly name: Token; readonly value?: Token }>;
}

export function parseArg(at: Statement): ArgInstruction {
  const declarations = quotedWords(at).map((word) => {
    const equals = word.text.indexOf('=');
    if (equals === 0) return at.fail('ARG names can not be blank', word);
    if (equals < 0) return { name: word };
    return { name: at.token(word.start, word.start + equals), value: at.token(word.start + equals + 1, word.end) };
  });
  return { kind: 'arg', at, declarations };
}

/** Declares the arguments in the stage: the value given to the build, else the default, else the global one. */
export function applyArg(node: ArgInstruction, stage: StageState): void {
  const shown: string[] = [];
  for (const { name: word, value } of node.declarations) {
    const name = node.at.expand(word, stage.lookup);
    const fallback = value ? node.at.expand(value, stage.lookup) : undefined;
    const chosen = stage.scope.argument(name, fallback);
    stage.declared.add(name);
    if (chosen !== undefined) stage.args.set(name, chosen);
    shown.push(fallback === undefined ? name : `${name}=${fallback}`);
  }
  stage.note(node.at, `ARG ${shown.join(' ')}`);
}
