import { quoteForShell } from '../connection.ts';

/**
 * A script for the host's /bin/sh as a command that every login shell takes: one line, because csh knows no line break
 * between quotes, and free of what csh and fish read differently in there. Arguments are `$1`, `$2`, ….
 */
export function shellCommand(script: string, args: readonly string[]): string {
  return ['exec /bin/sh -c', quoteForShell(oneLine(script)), 'berth', ...args.map((arg) => (arg === '' ? "''" : quoteForShell(arg)))].join(' ');
}

const CONTINUES = /(^|[\s;(])(do|then|else|in)$|[{(|;]$|&&$/;
const DIFFERS = /'|\\['\\]|!(?![\s=(])/;

/** Joins the lines of a script. Throws for what not every login shell passes on as it is. */
export function oneLine(script: string): string {
  const lines = script.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const text = lines.map((line, index) => (index === lines.length - 1 ? line : `${line}${CONTINUES.test(line) ? ' ' : '; '}`)).join('');
  const bad = DIFFERS.exec(text);
  if (bad) throw new Error(`not every login shell passes this on: ${text.slice(Math.max(0, bad.index - 20), bad.index + 20)}`);
  return text;
}
