import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { clientQuestionSchema } from '../../../api/berth/ssh.ts';
import type { ClientAnswer, ClientQuestion } from '../../../api/berth/ssh.ts';
import { run } from '../../../host/process.ts';

/** Answers what the engine asks for processes in the container, until the connection ends. */
export function answerQuestions(stream: Duplex): void {
  stream.on('error', () => undefined); // the connection proper says what is wrong
  const lines = createInterface({ input: stream });
  lines.on('error', () => undefined);
  lines.on('line', (line) => {
    const question = clientQuestionSchema.safeParse(JSON.parse(line));
    if (!question.success) return void stream.destroy();
    void askGit(question.data).then((output) => {
      const answer: ClientAnswer = { id: question.data.id, output };
      stream.write(`${JSON.stringify(answer)}\n`);
    });
  });
}

/** The user's own credential helpers. Our terminal is the SSH connection, so git must not ask there; a program it is told to ask by may. */
async function askGit({ action, input }: ClientQuestion): Promise<string> {
  try {
    return (await run('git', ['credential', action], { input, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } })).stdout;
  } catch {
    return '';
  }
}
