import { createInterface } from 'node:readline/promises';
import type { Ask, Question } from '../../remote/connection.ts';
import type { CliContext } from '../context.ts';

type Terminal = Pick<CliContext, 'stdin' | 'stderr'>;

/** Asks the person at the terminal; what is secret is not shown. Without a terminal nobody can be asked. */
export function askOnTerminal(terminal: Terminal): Ask {
  return async (question, signal) => {
    if (!terminal.stdin.isTTY) return undefined;
    try {
      return await askAll(terminal, question, signal);
    } catch {
      return undefined; // Ctrl+C, or nobody waits for the answer any more
    }
  };
}

async function askAll(terminal: Terminal, question: Question, signal: AbortSignal): Promise<readonly string[]> {
  switch (question.kind) {
    case 'host-key': {
      terminal.stderr.write(`The host ${question.host} is not known yet. Its key is ${question.keyType} ${question.fingerprint}\n`);
      return [/^y(es)?$/i.test((await askLine(terminal, 'Trust it and remember it? [yes/no] ', true, signal)).trim()) ? 'yes' : 'no'];
    }
    case 'password':
      return [await askLine(terminal, `Password of ${question.user} on ${question.host}: `, false, signal)];
    case 'passphrase':
      return [await askLine(terminal, `Passphrase of ${question.keyFile}: `, false, signal)];
    case 'keyboard-interactive': {
      for (const text of [question.name, question.instructions]) if (text.trim() !== '') terminal.stderr.write(`${printable(text)}\n`);
      const answers: string[] = [];
      for (const { prompt, echo } of question.prompts) answers.push(await askLine(terminal, printable(prompt), echo, signal));
      return answers;
    }
  }
}

async function askLine({ stdin, stderr }: Terminal, prompt: string, echo: boolean, signal: AbortSignal): Promise<string> {
  if (!echo) return askSecret({ stdin, stderr }, prompt, signal);
  const lines = createInterface({ input: stdin, output: stderr });
  lines.once('SIGINT', () => lines.close());
  try {
    return await lines.question(prompt, { signal });
  } finally {
    lines.close();
  }
}

/** A server's text may not command our terminal. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '');
}

const enter = new Set(['\r', '\n', '\u0004']);

function askSecret({ stdin, stderr }: Terminal, prompt: string, signal: AbortSignal): Promise<string> {
  stdin.setRawMode(true); // before the prompt: what is typed at once must not be shown either
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (settle: () => void): void => {
      stdin.off('data', onData);
      signal.removeEventListener('abort', onAbort);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    };
    const onAbort = (): void => finish(() => reject(new Error('not needed any more')));
    const onData = (chunk: Buffer): void => {
      for (const key of chunk.toString()) {
        if (enter.has(key)) return finish(() => resolve(typed));
        if (key === '\u0003') return finish(() => reject(new Error('interrupted')));
        typed = key === '\u007F' || key === '\b' ? [...typed].slice(0, -1).join('') : typed + key;
      }
    };
    stdin.on('data', onData).resume();
    stderr.write(prompt);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
