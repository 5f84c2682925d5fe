import type { BuildEvent, BuildRequestBody } from '../../../api/berth/build.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { runAttached } from '../container/runAttached.ts';

/** A shell in the container of a RUN that failed; the build ends when it does. */
export async function debugShell(context: CliContext, client: ApiClient, { debug }: BuildRequestBody, { container, command, line }: Extract<BuildEvent, { type: 'debug' }>): Promise<void> {
  context.stderr.write(`line ${line}: ${command} failed. This shell has its files, mounts, environment, user and folder; exit ends the build. Nothing that is done here is kept.\n`);
  await runAttached(context, client, container, { stdin: true, stdout: true, stderr: true, tty: debug?.tty ?? false, condition: 'next-exit', sigProxy: false });
}
