import { z } from 'zod';
import type { Statement } from './statement.ts';

/** What RUN, CMD, ENTRYPOINT and HEALTHCHECK run: a list (exec form), or text for the shell. */
export type Command = { readonly form: 'exec'; readonly words: readonly string[] } | { readonly form: 'shell'; readonly text: string };

const words = z.array(z.string());

/** The JSON list at `from`, or undefined if what is there is no list of strings (Docker then takes it for shell text). */
export function readJsonWords(at: Statement, from: number): string[] | undefined {
  const text = at.source.text.slice(from).trim();
  if (!text.startsWith('[')) return undefined;
  try {
    return words.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function readCommand(at: Statement, from = at.argsAt): Command {
  const list = readJsonWords(at, from);
  return list ? { form: 'exec', words: list } : { form: 'shell', text: at.source.text.slice(from).trim() };
}

/** The argument vector of a command under a shell. */
export function argv(command: Command, shell: readonly string[]): string[] {
  return command.form === 'exec' ? [...command.words] : [...shell, command.text];
}
