import { defineError } from '../../base/errors.ts';

export const sshConfigInvalid = defineError<{ file: string; line: number; detail: string }>('SSH_CONFIG_INVALID', 400, (p) => `${p.file}:${p.line}: ${p.detail}. Correct this line of the SSH configuration and try again`);

/** One line of an ssh_config file. */
export interface ConfigLine {
  /** Lower case. */
  readonly keyword: string;
  readonly args: readonly string[];
  /** All after the keyword, as it stands: what commands take. */
  readonly rest: string;
  readonly file: string;
  readonly line: number;
}

/**
 * An ssh_config file as OpenSSH splits it: `Keyword value` or `Keyword=value`, quotes, `#` only where a word starts. (The npm package
 * ssh-config ends a value at any `#` and forgets line numbers, so it is not used.) Throws SSH_CONFIG_INVALID for a quote left open.
 */
export function parseConfigLines(text: string, file: string): ConfigLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const content = raw.replace(/[ \t\r\f]+$/, '').replace(/^[ \t]+/, '');
    if (content === '' || content.startsWith('#')) return [];
    const match = /^"?([^\s="]+)"?(?:[ \t]*=[ \t]*|[ \t]+|$)(.*)$/.exec(content);
    const keyword = match?.[1];
    if (keyword === undefined) throw sshConfigInvalid({ file, line: index + 1, detail: 'this line is not "Keyword value"' });
    const rest = match?.[2] ?? '';
    const args = splitWords(rest);
    if (!args) throw sshConfigInvalid({ file, line: index + 1, detail: 'a quote is left open' });
    return [{ keyword: keyword.toLowerCase(), args, rest, file, line: index + 1 }];
  });
}

/** Words in OpenSSH's manner; undefined when a quote is left open. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    if (text[at] === '#') break;
    const word = readWord(text, at);
    if (!word) return undefined;
    words.push(word.value);
    at = word.end;
  }
  return words;
}

function readWord(text: string, from: number): { value: string; end: number } | undefined {
  let value = '';
  let quote = '';
  let at = from;
  for (; at < text.length; at++) {
    const char = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (char === '\\' && (next === '"' || next === "'" || next === '\\' || (quote === '' && next === ' '))) {
      value += next;
      at++;
    } else if (quote === '' && /\s/.test(char)) break;
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (quote !== '' && char === quote) quote = '';
    else value += char;
  }
  return quote === '' ? { value, end: at } : undefined;
}
