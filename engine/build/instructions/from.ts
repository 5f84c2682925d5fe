import { flagValue, readFlags } from '../dockerfile/flags.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';

export interface FromInstruction {
  readonly kind: 'from';
  readonly at: Statement;
  readonly image: Token;
  /** In lower case. */
  readonly name?: string;
  /** `AS` and the name, as written. */
  readonly as?: { readonly keyword: Token; readonly name: Token };
  readonly platform?: Token;
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

export function parseFrom(at: Statement): FromInstruction {
  const flags = readFlags(at, { platform: 'value' });
  const platform = flagValue(flags, 'platform');
  const [image, as, name, extra] = plainWords(at, flags.end);
  if (!image) return at.fail('FROM requires an image name');
  const base = { kind: 'from' as const, at, image, ...(platform ? { platform } : {}) };
  if (!as) return base;
  if (as.text.toLowerCase() !== 'as' || !name || extra) return at.fail('FROM requires either one or three arguments', as);
  const lower = name.text.toLowerCase();
  if (!STAGE_NAME.test(lower)) return at.fail(`invalid name for build stage: "${name.text}", name can't start with a number or contain symbols`, name);
  return { ...base, name: lower, as: { keyword: as, name } };
}
