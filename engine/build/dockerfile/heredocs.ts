import type { SourceText, Token } from './position.ts';

/** An inline document: `<<NAME`, its lines, and the line that is only NAME. */
export interface Heredoc {
  readonly name: string;
  /** False when the name was quoted: variables stay as they are. */
  readonly expand: boolean;
  /** `<<-`: leading tabs were removed. */
  readonly stripTabs: boolean;
  readonly content: string;
  /** The marker in the instruction. */
  readonly marker: Token;
}

export type HeredocStart = Omit<Heredoc, 'content'>;

const MARKER = /^<<(-?)(?:"([A-Za-z_][\w.]*)"|'([A-Za-z_][\w.]*)'|([A-Za-z_][\w.]*))/;

/** The heredoc markers in an instruction, left to right; those within quotes are text. */
export function findHeredocs(source: SourceText): HeredocStart[] {
  const found: HeredocStart[] = [];
  const text = source.text;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\\') i++;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '<') {
      const match = MARKER.exec(text.slice(i));
      const before = text.charAt(i - 1);
      if (match && /[\s\d]/.test(before)) {
        found.push({ name: match[2] ?? match[3] ?? match[4] ?? '', expand: match[4] !== undefined, stripTabs: match[1] === '-', marker: source.token(i, i + match[0].length) });
        i += match[0].length - 1;
      } else while (text.charAt(i + 1) === '<') i++;
    }
  }
  return found;
}
