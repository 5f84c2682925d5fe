import type { ExecSpec } from '../../../api/berth/devcontainer.ts';
import { shareResultSchema } from '../../../api/berth/ssh.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { describeError } from '../../program.ts';
import { agentSocket, openClientLink } from './clientLink.ts';
import type { OpenLink } from './clientLink.ts';
import { SshFiles } from './configFiles.ts';
import { gitSettings } from './gitSettings.ts';
import { readSettings } from './settings.ts';

export interface Shared extends Disposable {
  /** `NAME=value`, for a process in the container. */
  readonly env: readonly string[];
}

/** Lets a process in a dev container use the user's ssh-agent and git credentials, until disposed. What cannot be shared is only missed. */
export async function shareCredentials(context: CliContext, client: ApiClient, spec: ExecSpec, folder: string): Promise<Shared> {
  const settings = await readSettings(new SshFiles(context.env));
  const git = settings.git ? await gitSettings(folder) : undefined;
  const agent = settings.forwardAgent && agentSocket(context.env) !== undefined;
  if (!git && !agent) return { env: [], [Symbol.dispose]: () => undefined };
  let link: OpenLink | undefined;
  try {
    link = await openClientLink(client);
    const json = { containerId: spec.containerId, user: spec.user, ...(git ? { git } : {}), agent };
    const { env } = await client.json('POST', `/berth/v1/ssh/client/${link.id}/share`, shareResultSchema, { json });
    return { env, [Symbol.dispose]: () => link?.close() };
  } catch (error) {
    link?.close();
    context.stderr.write(`warning: without your ssh-agent and git credentials: ${describeError(error)}\n`);
    return { env: [], [Symbol.dispose]: () => undefined };
  }
}
