import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ApiError } from '../../../api/client.ts';
import type { RunDraft } from '../../../api/docker/run/flags.ts';
import { FlagArgError } from '../../../api/docker/run/parseFlags.ts';
import type { CliContext } from '../../context.ts';
import { describeError } from '../../program.ts';
import { runAttached } from './runAttached.ts';
import { createContainer, parseRequest, requestHelp } from './runRequest.ts';

const usage = 'berth run [options] IMAGE [COMMAND] [ARG...]';
const about = `Create a container and start it; the exit status is its own. 125: the engine refused; 126: the command cannot be run; 127: it is not there.
The flags are those of docker run.`;

/** `berth run`. */
export function registerRun(parent: Command, context: CliContext): void {
  parent
    .command('run')
    .description('create and start a container (flags: berth run --help)')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[args...]')
    .action(async (args: string[]) => {
      try {
        await run(context, args);
      } catch (error) {
        context.stderr.write(`berth: ${describeError(error)}\n`);
        context.setExitStatus(refusalStatus(error));
      }
    });
}

/** Docker's statuses for a container that did not come to run. */
function refusalStatus(error: unknown): number {
  if (error instanceof FlagArgError) return 125;
  if (error instanceof ApiError && (error.code === 'COMMAND_NOT_FOUND' || /not found|no such file/i.test(error.message)) && error.status === 400) return 127;
  if (error instanceof ApiError && error.code === 'COMMAND_NOT_EXECUTABLE') return 126;
  return 125;
}

async function run(context: CliContext, args: readonly string[]): Promise<void> {
  const request = parseRequest(context, args);
  if (!request) {
    context.stdout.write(requestHelp(usage, about));
    return;
  }
  const { draft, image } = request;
  const detach = draft.detach ?? false;
  const streams = attachments(draft, detach);
  const client = await context.engine();
  const id = await createContainer(context, client, draft, image);
  if (draft.cidfile !== undefined) await writeFile(resolve(context.cwd, draft.cidfile), id, { flag: 'wx' });
  try {
    if (detach) {
      await client.send('POST', `/containers/${id}/start`);
      context.stdout.write(`${id}\n`);
    } else await runAttached(context, client, id, { ...streams, tty: draft.body.Tty ?? false, condition: draft.body.HostConfig.AutoRemove === true ? 'removed' : 'next-exit', sigProxy: draft.sigProxy !== false, detachKeys: draft.detachKeys });
  } catch (error) {
    if (draft.body.HostConfig.AutoRemove === true) await client.send('DELETE', `/containers/${id}`, { query: { force: 1, v: 1 } }).catch(() => undefined);
    throw error;
  }
}

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Which streams are joined, and the request's fields that say so. */
function attachments(draft: RunDraft, detach: boolean): Streams {
  const { body } = draft;
  const asked = draft.attach;
  const streams = { stdin: !detach && body.OpenStdin === true && (asked?.includes('stdin') ?? true), stdout: !detach && (asked?.includes('stdout') ?? true), stderr: !detach && (asked?.includes('stderr') ?? true) };
  body.AttachStdin = streams.stdin;
  body.AttachStdout = streams.stdout;
  body.AttachStderr = streams.stderr;
  if (streams.stdin) body.StdinOnce = true;
  return streams;
}
