import type { ApiClient } from '../../../api/client.ts';
import { createdSchema } from '../../../api/docker/container.ts';
import { execInspectSchema } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { runSession } from '../../terminal/session.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  /** Whether our stdin goes to the process. */
  readonly stdin: boolean;
  readonly detach?: boolean;
  readonly user?: string | undefined;
  /** `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  readonly workingDir?: string | undefined;
  readonly privileged?: boolean;
  readonly detachKeys?: string | undefined;
}

/** Runs a process in a container, joined to our terminal, and sets our exit status to its own. */
export async function execIn(context: CliContext, client: ApiClient, container: string, request: ExecRequest): Promise<void> {
  const attach = request.detach !== true;
  const json = {
    Cmd: request.command,
    Tty: request.tty,
    AttachStdin: attach && request.stdin,
    AttachStdout: attach,
    AttachStderr: attach,
    Env: request.env ?? [],
    ...(request.user === undefined ? {} : { User: request.user }),
    ...(request.workingDir === undefined ? {} : { WorkingDir: request.workingDir }),
    ...(request.privileged === true ? { Privileged: true } : {}),
  };
  const { Id } = await client.json('POST', `/containers/${container}/exec`, createdSchema, { json });
  if (!attach) {
    await client.send('POST', `/exec/${Id}/start`, { json: { Detach: true, Tty: request.tty } });
    return;
  }
  const { socket } = await client.hijack('POST', `/exec/${Id}/start`, { json: { Detach: false, Tty: request.tty } });
  const end = await runSession(context, socket, {
    tty: request.tty,
    stdin: request.stdin,
    detachKeys: request.detachKeys,
    signal: context.signal,
    resize: ({ rows, columns }) => client.send('POST', `/exec/${Id}/resize`, { query: { h: rows, w: columns } }),
  });
  if (end === 'detached') return;
  const state = await client.json('GET', `/exec/${Id}/json`, execInspectSchema);
  context.setExitStatus(state.ExitCode ?? 0);
}

/** `-e NAME` takes the value from our environment, as Docker's CLI does. */
export function envArguments(context: CliContext, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    if (value.includes('=')) return [value];
    const own = context.env[value];
    return own === undefined ? [] : [`${value}=${own}`];
  });
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
