import { posix } from 'node:path';
import { flagValue } from '../dockerfile/flags.ts';
import type { Flags } from '../dockerfile/flags.ts';
import type { Heredoc } from '../dockerfile/heredocs.ts';
import { readJsonWords } from '../dockerfile/command.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';
import { parseMode } from '../copy/mode.ts';
import type { ModeChange } from '../copy/mode.ts';
import type { InlineFile } from '../plan/graph.ts';
import type { StageState } from '../plan/stageState.ts';

/** Sources and destination of COPY and ADD. */
export interface PathArguments {
  readonly sources: readonly Token[];
  readonly documents: readonly Heredoc[];
  readonly dest: Token;
}

export function readPaths(at: Statement, from: number): PathArguments {
  const list = readJsonWords(at, from);
  const whole = at.token(from, at.source.text.length);
  // Words of the JSON form keep the place of the list: finding each would need a JSON parser with ranges.
  const words = list ? list.map((text) => ({ ...whole, text: protect(text, at.escape, at.escape === '`' ? /["'`]/g : /["'\\]/g) })) : plainWords(at, from);
  const dest = words.at(-1);
  if (words.length < 2 || !dest) return at.fail(`${at.keyword} requires at least two arguments, but only ${words.length} provided. Destination could not be determined`, whole);
  const markers = new Set(at.heredocs.map((document) => document.marker.start));
  const sources = words.slice(0, -1).filter((word) => list !== undefined || !markers.has(word.start));
  return { sources, documents: at.heredocs, dest };
}

/** Puts the escape character before what must stay as it is, while variables are still replaced. */
function protect(text: string, escape: string, special: RegExp): string {
  return text.replace(special, (found) => escape + found);
}

/** The destination as an absolute path; a trailing slash says that it is a folder. */
export function resolveDest(dest: string, workdir: string): string {
  const folder = dest.endsWith('/') || /(^|\/)\.{1,2}$/.test(dest);
  const path = posix.resolve('/', workdir, dest);
  return folder && path !== '/' ? `${path}/` : path;
}

/** `--chmod`. */
export function readMode(at: Statement, token: Token, text: string): ModeChange {
  return parseMode(text) ?? at.fail(`invalid chmod parameter: '${text}'. it should be octal (between 0 and 07777) or symbolic, as u=rwX,go=rX`, token);
}

/** The inline documents as files. Quotes in them are text, and so is the escape character except before `$`. */
export function inlineFiles(at: Statement, documents: readonly Heredoc[], stage: StageState): InlineFile[] {
  const special = at.escape === '`' ? /["']|`(?!\$)/g : /["']|\\(?!\$)/g;
  return documents.map(({ name, content, expand, marker }) => ({ name, content: expand ? at.expand({ ...marker, text: protect(content, at.escape, special) }, stage.lookup) : content }));
}

export interface CommonFlags {
  readonly chown?: Token;
  readonly chmod?: Token;
  /** Patterns of files that are not copied. */
  readonly exclude: readonly Token[];
}

export function commonFlags(flags: Flags): CommonFlags {
  const chown = flagValue(flags, 'chown');
  const chmod = flagValue(flags, 'chmod');
  return { ...(chown ? { chown } : {}), ...(chmod ? { chmod } : {}), exclude: flags.all.flatMap(({ name, value }) => (name === 'exclude' && value ? [value] : [])) };
}

/** What COPY and ADD have in common as an operation. */
export function copyOperation(node: PathArguments & CommonFlags & { readonly at: Statement }, stage: StageState): { sources: string[]; inline: InlineFile[]; dest: string; owner?: string; mode?: ModeChange; exclude?: string[] } {
  const expand = (token: Token): string => node.at.expand(token, stage.lookup);
  const sources = node.sources.map(expand);
  const inline = inlineFiles(node.at, node.documents, stage);
  const dest = resolveDest(expand(node.dest), stage.config.WorkingDir || '/');
  if (sources.length + inline.length > 1 && !dest.endsWith('/') && dest !== '/') return node.at.fail(`When using ${node.at.keyword} with more than one source file, the destination must be a directory and end with a /`, node.dest);
  const owner = node.chown ? expand(node.chown) : undefined;
  const mode = node.chmod ? readMode(node.at, node.chmod, expand(node.chmod)) : undefined;
  const exclude = node.exclude.map(expand);
  return { sources, inline, dest, ...(exclude.length > 0 ? { exclude } : {}), ...(owner === undefined ? {} : { owner }), ...(mode === undefined ? {} : { mode }) };
}
