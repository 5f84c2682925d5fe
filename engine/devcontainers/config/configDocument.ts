import { findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import { devContainerInvalid } from '../errors.ts';

export type Path = ReadonlyArray<string | number>;

export interface Place {
  readonly [key: string]: string | number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly pointer: string;
}

/** A JSONC file with the place of everything in it, so that errors can point at what they are about. */
export class ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  readonly #text: string;
  readonly #root: Node;

  private constructor(file: string, text: string, root: Node) {
    this.file = file;
    this.#text = text;
    this.#root = root;
    this.value = getNodeValue(root);
  }

  /** Parses JSON with comments and trailing commas. Throws DEVCONTAINER_INVALID at the first error. */
  static parse(file: string, source: string): ConfigDocument {
    const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { allowTrailingComma: true });
    const first = errors[0];
    if (first) throw devContainerInvalid({ file, ...position(text, first.offset), pointer: '', expected: words(printParseErrorCode(first.error)) });
    if (!root) throw devContainerInvalid({ file, line: 1, column: 1, pointer: '', expected: 'the file is empty; expected a JSON object' });
    return new ConfigDocument(file, text, root);
  }

  /** Where the value at `path` is; when it is not there, where the nearest thing around it is. */
  place(path: Path): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = findNodeAtLocation(this.#root, path.slice(0, length));
      if (node) return { file: this.file, ...position(this.#text, node.offset), pointer: pointerOf(path) };
    }
    return { file: this.file, line: 1, column: 1, pointer: pointerOf(path) };
  }

  /** Where the name of a property is. */
  placeOfName(path: Path): Place {
    const node = findNodeAtLocation(this.#root, [...path])?.parent;
    return node?.type === 'property' ? { file: this.file, ...position(this.#text, node.offset), pointer: pointerOf(path) } : this.place(path);
  }

  has(path: Path): boolean {
    return findNodeAtLocation(this.#root, [...path]) !== undefined;
  }

  /** How far into the file the value at `path` is, to tell which of several comes first. */
  offset(path: Path): number {
    return findNodeAtLocation(this.#root, [...path])?.offset ?? (path.length === 0 ? 0 : this.offset(path.slice(0, -1)));
  }
}

function pointerOf(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** `CommaExpected` as `comma expected`. */
function words(code: string): string {
  return code.replace(/(?<=[a-z])([A-Z])/g, ' $1').toLowerCase();
}
