import { dockerfileSyntax } from '../errors.ts';

/** Parser directives: the `# name=value` comments at the very top of the file. */
export interface Directives {
  readonly escape: '\\' | '`';
  /** The value of `# syntax=`; Berth's own parser is used whatever it names. */
  readonly syntax?: string;
  /** The value of `# check=`. */
  readonly check?: string;
}

const DIRECTIVE = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$/;
const KNOWN = new Set(['syntax', 'escape', 'check']);

/** Reads the directives. The first line that is none ends them, as does an unknown name. */
export function readDirectives(lines: readonly string[], file: string): Directives {
  const seen = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const match = DIRECTIVE.exec(line.trim());
    const name = match?.[1]?.toLowerCase();
    if (!match || !name || !KNOWN.has(name)) break;
    const fail = (detail: string): never => {
      throw dockerfileSyntax({ file, line: index + 1, column: line.indexOf('#') + 1, detail, text: line.trim() });
    };
    if (seen.has(name)) fail(`only one ${name} parser directive can be used`);
    const value = match[2] ?? '';
    if (name === 'escape' && value !== '\\' && value !== '`') fail(`invalid escape token ${value}: it must be \` or \\`);
    seen.set(name, value);
  }
  const [syntax, check] = [seen.get('syntax'), seen.get('check')];
  return { escape: seen.get('escape') === '`' ? '`' : '\\', ...(syntax === undefined ? {} : { syntax }), ...(check === undefined ? {} : { check }) };
}
