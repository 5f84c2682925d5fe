import { z } from 'zod';
import type { EditorInstallEvent, WebEvent } from '../../../api/berth/webEditor.ts';
import { webRequestSchema } from '../../../api/berth/webEditor.ts';
import type { DevContainerService } from '../../../devcontainers/devContainerService.ts';
import type { Tell } from '../../../devcontainers/tell.ts';
import { failedResult } from './devContainerEvents.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

const installRequestSchema = z.strictObject({ force: z.boolean().optional() });

/** `POST /berth/v1/devcontainers/web` and `POST /berth/v1/editor/install`: JSON lines, the last one the result. */
export function webEditorRoutes({ web, editor }: Pick<DevContainerService, 'web' | 'editor'>): Route[] {
  return [
    { method: 'POST', path: '/berth/v1/devcontainers/web', handle: (context, reply) => open(web, context, reply) },
    { method: 'POST', path: '/berth/v1/editor/install', handle: (context, reply) => install(editor, context, reply) },
  ];
}

async function open(web: DevContainerService['web'], context: RequestContext, reply: Reply): Promise<void> {
  const request = await context.json(webRequestSchema);
  await stream<WebEvent>(reply, async (tell) => ({ type: 'result', outcome: 'success', ...(await web.open(request, { tell, signal: context.signal })) }));
}

async function install(editor: DevContainerService['editor'], context: RequestContext, reply: Reply): Promise<void> {
  const { force } = await context.json(installRequestSchema);
  await stream<EditorInstallEvent>(reply, async (tell) => ({ type: 'result', outcome: 'success', ...(await editor.install(force ?? false, tell, context.signal)) }));
}

/** Errors, too, are the last line: by then the answer has long begun. */
async function stream<T extends object>(reply: Reply, work: (tell: Tell) => Promise<T>): Promise<void> {
  const out = reply.stream(200, 'application/x-ndjson');
  const send = (event: object): void => {
    if (!out.destroyed) out.write(`${JSON.stringify(event)}\n`);
  };
  try {
    send(await work(send));
  } catch (error) {
    send(failedResult(error, 'The editor could not be opened.'));
  }
  out.end();
}
