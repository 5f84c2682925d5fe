import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { clientQuestionSchema } from '../../../api/berth/ssh.ts';
import type { ClientAnswer, ClientQuestion } from '../../../api/berth/ssh.ts';
import type { ApiClient } from '../../../api/client.ts';
import { run } from '../../../host/process.ts';

/** A connection on which the engine asks for what only this machine has, while it is open. */
export interface OpenLink {
  readonly id: string;
  close(): void;
}

export async function openClientLink(client: ApiClient): Promise<OpenLink> {
  const id = randomUUID();
  const { socket } = await client.hijack('POST', `/berth/v1/ssh/client/${id}`);
  answerQuestions(socket);
  return { id, close: () => void socket.destroy() };
}

/** Where the user's ssh-agent listens; `undefined`: there is none. */
export function agentSocket(env: NodeJS.ProcessEnv): string | undefined {
  return env['SSH_AUTH_SOCK'] || (process.platform === 'win32' ? String.raw`\\.\pipe\openssh-ssh-agent` : undefined);
}

function answerQuestions(stream: Duplex): void {
  stream.on('error', () => undefined); // the connection proper says what is wrong
  const lines = createInterface({ input: stream });
  lines.on('error', () => undefined);
  lines.on('line', (line) => {
    const question = clientQuestionSchema.parse(JSON.parse(line));
    void answerTo(question).then((output) => {
      const answer: ClientAnswer = { id: question.id, output };
      stream.write(`${JSON.stringify(answer)}\n`);
    });
  });
}

async function answerTo(question: ClientQuestion): Promise<string> {
  try {
    return await (question.kind === 'sshAgent' ? askAgent(question.input) : askGit(question.action, question.input));
  } catch {
    return '';
  }
}

/** The user's own credential helpers. Our terminal is not free, so git must not ask there; a program it is told to ask by may. */
async function askGit(action: string, input: string): Promise<string> {
  return (await run('git', ['credential', action], { input, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } })).stdout;
}

/** Sends one message to the ssh-agent and returns its answer. */
async function askAgent(input: string): Promise<string> {
  const path = agentSocket(process.env);
  if (path === undefined) return '';
  const socket = connect(path);
  socket.write(Buffer.from(input, 'base64'));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks);
    if (answer.length >= 4 && answer.length >= 4 + answer.readUInt32BE()) return answer.toString('base64');
  }
  return '';
}
