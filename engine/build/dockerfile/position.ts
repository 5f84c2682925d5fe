/** A place in a text file: both count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** From the first character to just behind the last. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** Characters of a source text, and where they stand in the file. `start` and `end` are offsets into the text. */
export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly range: Range;
}

/** Where the text from offset `at` on comes from. */
export interface Piece {
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

/** Text put together from lines of a file that still knows where each character came from. */
export class SourceText {
  readonly text: string;
  readonly #pieces: readonly Piece[];

  constructor(text: string, pieces: readonly Piece[]) {
    this.text = text;
    this.#pieces = pieces;
  }

  positionAt(offset: number): Position {
    let found: Piece = { at: 0, line: 1, column: 1 };
    for (const piece of this.#pieces) {
      if (piece.at > offset) break;
      found = piece;
    }
    return { line: found.line, column: found.column + offset - found.at };
  }

  range(start: number, end: number): Range {
    const first = this.positionAt(start);
    if (end <= start) return { start: first, end: first };
    const last = this.positionAt(end - 1);
    return { start: first, end: { line: last.line, column: last.column + 1 } };
  }

  token(start: number, end: number): Token {
    return { text: this.text.slice(start, end), start, end, range: this.range(start, end) };
  }
}
