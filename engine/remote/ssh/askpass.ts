import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Ask, Question } from '../connection.ts';
import { quoteForShell } from '../connection.ts';

/** What ssh starts when it has a question: carries it to us and prints the answer. Plain JavaScript, as it is run from a file of its own. */
const HELPER = `
const socket = require('node:net').connect(process.env.BERTH_ASKPASS);
let answer = '';
socket.on('data', (chunk) => (answer += chunk)).on('error', () => process.exit(1)).on('end', () => {
  const { text } = JSON.parse(answer || '{}');
  if (text === undefined) process.exit(1);
  process.stdout.write(text + '\\n', () => process.exit(0));
});
socket.end(JSON.stringify({ prompt: process.argv[2] || '', hint: process.env.SSH_ASKPASS_PROMPT || '' }));
`;

const requestSchema = z.object({ prompt: z.string(), hint: z.string() });

/** Makes ssh's questions ours. `folder` must be the user's alone. Returns the environment that ssh needs; ends with `close`. */
export async function serveAskpass(folder: string, ask: Ask, signal: AbortSignal, user: string): Promise<{ env: NodeJS.ProcessEnv; close: () => void }> {
  const isWindows = process.platform === 'win32';
  const [script, helper] = [join(folder, isWindows ? 'askpass.cmd' : 'askpass'), join(folder, 'askpass.cjs')];
  const path = isWindows ? String.raw`\\.\pipe\berth-ask-${randomUUID()}` : join(folder, 'ask');
  await writeFile(helper, HELPER, { mode: 0o600 });
  const program = isWindows ? `@set ELECTRON_RUN_AS_NODE=1\r\n@"${process.execPath}" "${helper}" %*\r\n` : `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${quoteForShell(process.execPath)} ${quoteForShell(helper)} "$@"\n`;
  await writeFile(script, program, { mode: 0o700 });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    void answer(socket, ask, signal, user).catch(() => socket.destroy());
  }).listen(path);
  await once(server, 'listening');
  // Without a DISPLAY clients before OpenSSH 8.4 do not use SSH_ASKPASS.
  return { env: { SSH_ASKPASS: script, SSH_ASKPASS_REQUIRE: 'force', BERTH_ASKPASS: path, DISPLAY: process.env.DISPLAY ?? ':0' }, close: () => server.close() };
}

async function answer(socket: Socket, ask: Ask, signal: AbortSignal, user: string): Promise<void> {
  const { prompt, hint } = requestSchema.parse(JSON.parse(await text(socket)));
  if (hint === 'none') return; // only a note ("touch your key"): ssh ends the helper itself when that is done
  const answers = await ask(questionOf(prompt, user), signal);
  socket.end(JSON.stringify(answers?.[0] === undefined ? {} : { text: answers[0] }));
}

/** ssh's words as one of our questions. */
export function questionOf(prompt: string, user: string): Question {
  const host = /authenticity of host '([^' ]+)[^']*' can't be established/.exec(prompt)?.[1];
  const key = /(\S+) key fingerprint is (SHA256:[A-Za-z0-9+/]+)/.exec(prompt);
  if (host !== undefined && key) return { kind: 'host-key', host, keyType: key[1] ?? '', fingerprint: key[2] ?? '' };
  const keyFile = /^Enter passphrase for (?:key )?'?([^':]+)'?/.exec(prompt)?.[1];
  if (keyFile !== undefined) return { kind: 'passphrase', keyFile };
  const password = /^(?:\(.*\) )?(?:(.+)@)?(.+)'s password: ?$/.exec(prompt);
  if (password) return { kind: 'password', user: password[1] ?? user, host: password[2] ?? '' };
  return { kind: 'keyboard-interactive', name: '', instructions: '', prompts: [{ prompt, echo: false }] };
}
