import type { Writable } from 'node:stream';
import { cloneRequestSchema } from '../../../api/berth/sync.ts';
import type { CloneEvent } from '../../../api/berth/sync.ts';
import { asBerthError } from '../../../base/errors.ts';
import { clone } from '../../../sync/clone.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** `POST /berth/v1/clone`: clones a repository on this host; the answer is one event a line, the last `result` or `error`. */
export function cloneRoutes(): Route[] {
  return [{ method: 'POST', path: '/berth/v1/clone', handle: answer }];
}

async function answer(context: RequestContext, reply: Reply): Promise<void> {
  const { url, folder, branch } = await context.json(cloneRequestSchema);
  let out: Writable | undefined;
  const send = (event: CloneEvent): void => {
    out ??= reply.stream(200, 'application/x-ndjson');
    if (!out.destroyed) out.write(`${JSON.stringify(event)}\n`);
  };
  try {
    const request = { url, ...(folder === undefined ? {} : { folder }), ...(branch === undefined ? {} : { branch }) };
    send({ type: 'result', folder: await clone(request, { signal: context.signal, onOutput: (text) => send({ type: 'output', text }) }) });
  } catch (error) {
    // Before the first event an error still has a status of its own.
    if (!out) throw error;
    const { message, code, params } = asBerthError(error);
    const known = Object.fromEntries(Object.entries(params).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
    send({ type: 'error', message, code, params: known });
  }
  out?.end();
}
