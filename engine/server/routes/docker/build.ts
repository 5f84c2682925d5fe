import { asBerthError } from '../../../base/errors.ts';
import type { BuildService } from '../../../build/buildService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { ClassicMessages, QuietMessages } from './buildMessages.ts';
import type { BuildMessages } from './buildMessages.ts';
import { parseBuildQuery, parsePruneQuery } from './buildQuery.ts';

/** `POST /build` (the classic builder's protocol) and `POST /build/prune`. */
export function dockerBuildRoutes(builds: Pick<BuildService, 'build' | 'prune'>): Route[] {
  return [
    { method: 'POST', path: '/build', handle: (context, reply) => build(builds, context, reply) },
    { method: 'POST', path: '/build/prune', handle: (context, reply) => prune(builds, context, reply) },
  ];
}

async function build(builds: Pick<BuildService, 'build'>, context: RequestContext, reply: Reply): Promise<void> {
  const { quiet, ...request } = parseBuildQuery(context.query, context.headers['x-registry-config']);
  const answer = new Answer(reply, quiet);
  try {
    const { imageId } = await builds.build(
      { ...request, context: request.context ?? { kind: 'tar', stream: context.body } },
      { signal: context.signal, report: () => undefined, onEvent: (event) => void (event.type === 'failure' || answer.messages().event(event)) },
    );
    answer.messages().succeeded(imageId, request.tags);
  } catch (error) {
    // Before the first message an error still has a status of its own.
    if (!answer.begun) throw error;
    answer.messages().failed(asBerthError(error));
  }
  answer.end();
}

async function prune(builds: Pick<BuildService, 'prune'>, context: RequestContext, reply: Reply): Promise<void> {
  const { deleted, reclaimed } = await builds.prune(parsePruneQuery(context.query, Date.now()));
  reply.json(200, { CachesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed });
}

/** The answer, begun with its first message. */
class Answer {
  readonly #reply: Reply;
  readonly #quiet: boolean;
  #open: { messages: BuildMessages; end: () => void } | undefined;

  constructor(reply: Reply, quiet: boolean) {
    this.#reply = reply;
    this.#quiet = quiet;
  }

  get begun(): boolean {
    return this.#open !== undefined;
  }

  messages(): BuildMessages {
    this.#open ??= this.#begin();
    return this.#open.messages;
  }

  end(): void {
    this.#open?.end();
  }

  #begin(): { messages: BuildMessages; end: () => void } {
    const out = this.#reply.stream(200, 'application/json');
    const write = (message: object): void => void (out.destroyed || out.write(`${JSON.stringify(message)}\r\n`));
    return { messages: this.#quiet ? new QuietMessages(write) : new ClassicMessages(write), end: () => void out.end() };
  }
}

