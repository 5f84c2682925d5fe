import { editorDataFolder } from '../plan/planTools.ts';
import type { DevExecs } from '../ports.ts';
import type { RunningDevContainer } from '../running.ts';
import { step } from '../tell.ts';
import type { Tell } from '../tell.ts';
import { execText } from './execText.ts';
import type { ExecText } from './execText.ts';
import { galleryEnv } from './editorProgram.ts';
import type { EditorProgram } from './editorProgram.ts';

/** A gallery that does not answer must not keep anybody from the editor. */
const CAP_MS = 120_000;

export interface ExtensionsRequest {
  readonly execs: DevExecs;
  readonly running: RunningDevContainer;
  readonly node: EditorProgram;
  readonly wanted: readonly string[];
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** Installs extensions into the editor's volume and returns those that went well; the others are told, and tried again the next time. */
export async function installExtensions(request: ExtensionsRequest): Promise<string[]> {
  const { wanted, tell } = request;
  return step(tell, 'editorExtensions', `Installing ${wanted.length === 1 ? 'an extension' : `${wanted.length} extensions`}`, async () => {
    const cap = AbortSignal.timeout(CAP_MS);
    // All at once is one start of the program; one by one only to find the one that fails.
    const together = await install(request, wanted, cap);
    if (together.status === 0) return [...wanted];
    const done: string[] = [];
    for (const extension of wanted) {
      const { status, stdout, stderr } = wanted.length === 1 ? together : await install(request, [extension], cap);
      if (status === 0) done.push(extension);
      else tell({ type: 'warning', message: `The extension ${extension} was not installed: ${reasonIn(stdout + stderr)}` });
    }
    return done;
  });
}

async function install({ execs, running, node, tell, signal }: ExtensionsRequest, extensions: readonly string[], cap: AbortSignal): Promise<ExecText> {
  const { details, remote } = running;
  const where = ['--server-data-dir', editorDataFolder, '--extensions-dir', `${editorDataFolder}/extensions`];
  const command = [node.node, node.entry, '--accept-server-license-terms', ...where, ...extensions.flatMap((one) => ['--install-extension', one])];
  try {
    const env = [...remote.env, ...galleryEnv(process.env)];
    const result = await execText(execs, details.Id, { command, user: remote.user, env, cwd: remote.cwd }, AbortSignal.any([signal, cap]));
    tell({ type: 'log', step: 'editorExtensions', stream: 'stdout', text: result.stdout });
    return result;
  } catch (error) {
    signal.throwIfAborted();
    if (!cap.aborted) throw error;
    return { status: 1, stdout: '', stderr: `no answer within ${CAP_MS / 1000} s` };
  }
}

/** The line that says why, among what the program prints. Pure. */
export function reasonIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(Installing extensions|Failed Installing Extensions|at )/.test(line));
  return lines.at(-1) ?? 'the editor did not say why';
}
