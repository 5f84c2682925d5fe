import { dockerfileSyntax } from '../errors.ts';
import { findHeredocs } from './heredocs.ts';
import type { Heredoc, HeredocStart } from './heredocs.ts';
import { SourceText } from './position.ts';
import type { Piece } from './position.ts';

/** One instruction's text with its continuation lines joined, and the documents that follow it. */
export interface LogicalLine {
  readonly source: SourceText;
  readonly heredocs: readonly Heredoc[];
  /** The first of the blank lines among its continued lines, from 1. */
  readonly blankLine?: number;
}

const BLANK_OR_COMMENT = /^\s*(#.*)?$/;
const MAY_HAVE_HEREDOC = /^(ONBUILD\s+)?(RUN|COPY|ADD)\s/i;

/** Joins lines into instructions: comments and blank lines go, also between continued lines. */
export class LogicalLineReader {
  readonly #lines: readonly string[];
  readonly #file: string;
  readonly #continues: RegExp;
  #next = 0;
  /** Of the instruction that was read last. */
  #blankLine: number | undefined;

  constructor(lines: readonly string[], escape: '\\' | '`', file: string) {
    this.#lines = lines;
    this.#file = file;
    // A doubled escape character at the end is text, not a continuation.
    this.#continues = escape === '`' ? /(^|[^`])`[ \t]*$/ : /(^|[^\\])\\[ \t]*$/;
  }

  read(): LogicalLine[] {
    const found: LogicalLine[] = [];
    for (;;) {
      const source = this.#readSource();
      if (!source) return found;
      const starts = MAY_HAVE_HEREDOC.test(source.text) ? findHeredocs(source) : [];
      const blankLine = this.#blankLine;
      found.push({ source, ...(blankLine === undefined ? {} : { blankLine }), heredocs: starts.map((start) => this.#readHeredoc(start)) });
    }
  }

  #readSource(): SourceText | undefined {
    let text = '';
    const pieces: Piece[] = [];
    this.#blankLine = undefined;
    for (; this.#next < this.#lines.length; ) {
      const line = this.#lines[this.#next++] ?? '';
      if (BLANK_OR_COMMENT.test(line)) {
        if (pieces.length > 0 && line.trim() === '') this.#blankLine ??= this.#next;
        continue;
      }
      const indent = pieces.length === 0 ? line.length - line.trimStart().length : 0;
      pieces.push({ at: text.length, line: this.#next, column: indent + 1 });
      const continued = this.#continues.exec(line);
      text += continued ? line.slice(indent, continued.index + (continued[1]?.length ?? 0)) : line.slice(indent);
      if (!continued) break;
    }
    return pieces.length === 0 ? undefined : new SourceText(text.trimEnd(), pieces);
  }

  #readHeredoc(start: HeredocStart): Heredoc {
    let content = '';
    while (this.#next < this.#lines.length) {
      const raw = this.#lines[this.#next++] ?? '';
      const line = start.stripTabs ? raw.replace(/^\t+/, '') : raw;
      if (line === start.name) return { ...start, content };
      content += `${line}\n`;
    }
    throw dockerfileSyntax({ file: this.#file, ...start.marker.range.start, detail: `unterminated heredoc: no line is "${start.name}"`, text: start.marker.text });
  }
}
