import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { quotedWords } from '../dockerfile/words.ts';

/** `key=value` as written: quotes and variables still in it. */
export interface KeyValue {
  readonly key: Token;
  readonly value: Token;
}

/** The pairs of ENV and LABEL: `k=v k2="v 2"`, or the old form `k the rest of the line`. */
export function readKeyValues(at: Statement): KeyValue[] {
  const words = quotedWords(at);
  const first = words[0];
  if (!first) return at.fail(`${at.keyword} requires at least one argument`);
  if (!first.text.includes('=')) {
    const second = words[1];
    if (!second) return at.fail(`${at.keyword} must have two arguments`, first);
    return [{ key: first, value: at.token(second.start, at.source.text.length) }];
  }
  return words.map((word) => splitPair(at, word));
}

function splitPair(at: Statement, word: Token): KeyValue {
  const equals = word.text.indexOf('=');
  if (equals < 0) return at.fail(`can't find = in "${word.text}". Must be of the form: name=value`, word);
  if (equals === 0) return at.fail(`${at.keyword} names can not be blank`, word);
  return { key: at.token(word.start, word.start + equals), value: at.token(word.start + equals + 1, word.end) };
}

/** `k=v k2=v2` for histories. */
export function showPairs(pairs: ReadonlyArray<readonly [string, string]>): string {
  return pairs.map(([key, value]) => `${key}=${/[\s"']/.test(value) ? JSON.stringify(value) : value}`).join(' ');
}
