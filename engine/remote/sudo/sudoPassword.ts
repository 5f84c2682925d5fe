import type { Readable } from 'node:stream';
import type { RemoteProcess } from '../connection.ts';

/** sudo's prompt, on standard error; nothing that sudo would replace (%). */
export const PROMPT = 'berth-sudo-password:';
const MARK = 'berth-sudo-root';
/** Says that what follows is root's, then becomes it. */
export const ROOT = `echo ${MARK} >&2; exec "$@"`;

/**
 * Answers sudo until the command itself runs: the password goes to sudo only when it asks for it, and what the caller writes later goes to the
 * command only. What both say before is taken out of standard error. Returns why sudo refused, in its own words; `undefined`: the command runs.
 */
export async function giveSudoPassword(process: RemoteProcess, password: string): Promise<string | undefined> {
  process.stdin.on('error', () => undefined); // sudo may leave first; it says why
  let said = '';
  let asked = 0;
  for (;;) {
    const mark = said.indexOf(`${MARK}\n`);
    if (mark >= 0) {
      const rest = said.slice(mark + MARK.length + 1);
      if (rest !== '') process.stderr.unshift(Buffer.from(rest, 'latin1'));
      return undefined;
    }
    const prompts = said.split(PROMPT).length - 1;
    if (prompts > 1) {
      process.kill();
      return 'the password is wrong';
    }
    if (prompts > asked) process.stdin.write(`${password}\n`);
    asked = prompts;
    const chunk = await nextChunk(process.stderr);
    if (chunk === undefined) return said.replaceAll(PROMPT, '').trim().slice(-300) || 'it ended without a word';
    said += chunk.toString('latin1');
  }
}

/** Leaves the stream as it was: whoever reads on may do it in any way. */
async function nextChunk(stream: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = stream.read() as Buffer | string | null;
    if (chunk !== null) return Buffer.from(chunk);
    if (stream.readableEnded || stream.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const heard = (): void => {
        for (const event of ['readable', 'end', 'close', 'error']) stream.off(event, heard);
        resolve();
      };
      for (const event of ['readable', 'end', 'close', 'error']) stream.once(event, heard);
    });
  }
}
