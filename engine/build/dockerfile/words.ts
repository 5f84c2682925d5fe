import type { Token } from './position.ts';
import type { Statement } from './statement.ts';

/** The arguments from `from` on, split at white space only: quotes do not hold words together (Docker's rule for paths). */
export function plainWords(at: Statement, from = at.argsAt): Token[] {
  return [...at.source.text.slice(from).matchAll(/\S+/g)].map((match) => at.token(from + match.index, from + match.index + match[0].length));
}

/** The arguments from `from` on, split at white space outside quotes. Quotes and escapes stay in the words. */
export function quotedWords(at: Statement, from = at.argsAt): Token[] {
  const text = at.source.text;
  const words: Token[] = [];
  let start = -1;
  let quote = '';
  for (let i = from; i <= text.length; i++) {
    const char = text.charAt(i);
    const outside = quote === '';
    if (i === text.length || (outside && /\s/.test(char))) {
      if (start >= 0) words.push(at.token(start, Math.min(i, text.length)));
      start = -1;
      continue;
    }
    if (start < 0) start = i;
    if (char === at.escape && quote !== "'") i++;
    else if (outside && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
  }
  // An escape character at the very end steps over the end of the text.
  if (start >= 0) words.push(at.token(start, text.length));
  return words;
}
