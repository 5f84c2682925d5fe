import { buildNotImplemented, dockerfileSyntax } from '../errors.ts';
import type { Place } from '../errors.ts';
import { expandWord } from './expand.ts';
import type { ExpandProblem, Lookup } from './expand.ts';
import type { Heredoc } from './heredocs.ts';
import type { Range, SourceText, Token } from './position.ts';

/** One instruction as written: keyword, the text behind it, and where all of it stands. */
export class Statement {
  readonly file: string;
  readonly escape: '\\' | '`';
  readonly source: SourceText;
  readonly heredocs: readonly Heredoc[];
  /** In upper case. */
  readonly keyword: string;
  /** Offset of the first argument. */
  readonly argsAt: number;

  constructor(source: SourceText, heredocs: readonly Heredoc[], escape: '\\' | '`', file: string) {
    this.source = source;
    this.heredocs = heredocs;
    this.escape = escape;
    this.file = file;
    const match = /^(\S+)\s*/.exec(source.text);
    this.keyword = (match?.[1] ?? '').toUpperCase();
    this.argsAt = match?.[0].length ?? 0;
  }

  get range(): Range {
    return this.source.range(0, this.source.text.length);
  }

  /** What is behind the keyword. */
  get args(): string {
    return this.source.text.slice(this.argsAt);
  }

  place(offset = 0): Place {
    return { file: this.file, ...this.source.positionAt(offset) };
  }

  token(start: number, end: number): Token {
    return this.source.token(start, end);
  }

  /** Throws DOCKERFILE_SYNTAX at `token` (else at the keyword), naming the offending text. */
  fail(detail: string, token?: Token): never {
    const text = token?.text ?? this.source.text;
    throw dockerfileSyntax({ ...this.place(token?.start ?? 0), detail, text: text.length > 120 ? `${text.slice(0, 117)}...` : text });
  }

  /** Throws NOT_IMPLEMENTED at `token`. */
  unsupported(what: string, token?: Token): never {
    throw buildNotImplemented({ ...this.place(token?.start ?? 0), what });
  }

  /** A word with its quotes removed and its variables replaced. */
  expand(word: Token, lookup: Lookup): string {
    const offset = (at: number): number => Math.min(word.start + at, this.source.text.length);
    const fail = (problem: ExpandProblem): never => {
      const token = this.token(offset(problem.at), word.end);
      if (problem.unsupported) return this.unsupported(problem.detail, token);
      return this.fail(problem.detail, token);
    };
    return expandWord(word.text, this.escape, lookup, fail, (name, at) => lookup.onMissing?.(name, this.place(offset(at))));
  }
}
