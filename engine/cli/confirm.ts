import { createInterface } from 'node:readline/promises';
import type { CliContext } from './context.ts';

/** Asks on the terminal; without one the answer is no. */
export async function confirmed(context: CliContext, question: string): Promise<boolean> {
  if (!context.stdin.isTTY) {
    context.stderr.write('Nothing was run: there is no terminal to ask on. Add --yes to run it without asking.\n');
    return false;
  }
  const terminal = createInterface({ input: context.stdin, output: context.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question, { signal: context.signal })).trim());
  } finally {
    terminal.close();
  }
}
