import { Add, Copy, DockerfileParser, ModifiableInstruction, Run } from 'dockerfile-ast';
import type { Instruction as PeerInstruction } from 'dockerfile-ast';
import type { Dockerfile, Instruction } from '../../engine/build/dockerfile/ast.ts';
import { parseDockerfile } from '../../engine/build/dockerfile/parse.ts';
import type { Range, Token } from '../../engine/build/dockerfile/position.ts';
import { plainWords } from '../../engine/build/dockerfile/words.ts';

/** What two parsers of Dockerfiles should see in the same way. Places are `line:column-line:column`, from 1. */
export interface DockerfileParts {
  readonly escape: string;
  /** Names and places. */
  readonly instructions: readonly string[];
  /** For each instruction those flags whose values our parser keeps as written, with their places. */
  readonly flags: readonly string[];
  /** For each instruction the words behind keyword and flags, with their places. */
  readonly words: readonly string[];
  /** For each instruction without documents the variables that it uses. */
  readonly variables: readonly string[];
}

/** As our parser sees it. Throws as that does. */
export function ourParts(text: string): DockerfileParts {
  const dockerfile = parseDockerfile(text);
  const nodes = inOrder(dockerfile);
  const label = ({ at }: Instruction): string => `${at.keyword} ${start(at.range)}`;
  const plain = nodes.filter(({ at }) => at.heredocs.length === 0);
  return {
    escape: dockerfile.directives.escape,
    // A document is no part of our range.
    instructions: nodes.map(({ at }) => (at.heredocs.length > 0 ? `${at.keyword} ${start(at.range)}` : `${at.keyword} ${whole(at.range)}`)),
    flags: nodes.flatMap((node) => flagsOf(node).map(([name, value]) => `${label(node)} --${name}=${shown(value)}`)),
    words: plain.flatMap((node) => behindFlags(node).map((word) => `${label(node)} ${shown(word)}`)),
    variables: plain.flatMap((node) => variablesOf(node).map((variable) => `${label(node)} ${variable}`)),
  };
}

/** As `dockerfile-ast` sees it. */
export function peerParts(text: string): DockerfileParts {
  const dockerfile = DockerfileParser.parse(text);
  const all = dockerfile.getInstructions();
  const label = (one: PeerInstruction): string => `${one.getKeyword()} ${start(fromZero(one.getRange()))}`;
  const plain = all.filter((one) => !hasDocuments(one));
  return {
    escape: dockerfile.getEscapeCharacter(),
    instructions: all.map((one) => (hasDocuments(one) ? label(one) : `${one.getKeyword()} ${whole(fromZero(one.getRange()))}`)),
    flags: all.flatMap((one) => peerFlags(one).map((flag) => `${label(one)} --${flag}`)),
    words: plain.flatMap((one) => one.getArguments().map((word) => `${label(one)} ${word.getValue()} ${whole(fromZero(word.getRange()))}`)),
    variables: plain.flatMap((one) => one.getVariables().map((variable) => `${label(one)} ${variable.getName()}`)),
  };
}

function inOrder({ globals, stages }: Dockerfile): Instruction[] {
  return [...globals, ...stages.flatMap(({ from, body }) => [from, ...body])];
}

function hasDocuments(one: PeerInstruction): boolean {
  return (one instanceof Run || one instanceof Copy || one instanceof Add) && (one as Run).getHeredocs().length > 0;
}

const KEPT = new Set(['platform', 'from', 'chown', 'chmod', 'exclude', 'checksum', 'mount']);

function peerFlags(one: PeerInstruction): string[] {
  if (!(one instanceof ModifiableInstruction)) return [];
  return one.getFlags().filter((flag) => KEPT.has(flag.getName())).map((flag) => {
    const range = flag.getValueRange();
    return `${flag.getName()}=${flag.getValue() ?? ''} ${range ? whole(fromZero(range)) : ''}`;
  });
}

function flagsOf(node: Instruction): Array<readonly [string, Token]> {
  const some = (list: ReadonlyArray<readonly [string, Token | undefined]>): Array<readonly [string, Token]> => list.flatMap(([name, token]) => (token ? [[name, token] as const] : []));
  if (node.kind === 'from') return some([['platform', node.platform]]);
  if (node.kind === 'copy') return some([['from', node.from], ['chown', node.chown], ['chmod', node.chmod], ...node.exclude.map((one) => ['exclude', one] as const)]);
  if (node.kind === 'add') return some([['checksum', node.checksum], ['chown', node.chown], ['chmod', node.chmod], ...node.exclude.map((one) => ['exclude', one] as const)]);
  if (node.kind === 'run') return node.mounts.map(({ token }) => ['mount', node.at.token(token.start + '--mount='.length, token.end)] as const);
  return [];
}

const FLAG = /^--\S*$/;

function behindFlags({ at }: Instruction): Token[] {
  const words = plainWords(at);
  return words.slice(words.findIndex(({ text }) => !FLAG.test(text)));
}

/** Every variable that is asked for while the words of an instruction are expanded. */
function variablesOf(node: Instruction): string[] {
  const found: string[] = [];
  for (const word of plainWords(node.at)) node.at.expand(word, (name) => void found.push(name));
  return found;
}

function shown({ text, range }: Token): string {
  return `${text} ${whole(range)}`;
}

function start(range: Range): string {
  return `${range.start.line}:${range.start.column}`;
}

function whole(range: Range): string {
  return `${start(range)}-${range.end.line}:${range.end.column}`;
}

function fromZero({ start: from, end: to }: { start: { line: number; character: number }; end: { line: number; character: number } }): Range {
  return { start: { line: from.line + 1, column: from.character + 1 }, end: { line: to.line + 1, column: to.character + 1 } };
}
