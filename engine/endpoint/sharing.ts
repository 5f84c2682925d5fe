import type { Socket } from 'node:net';
import type { ShareRequest } from '../api/berth/ssh.ts';
import { CleanupStack } from '../base/cleanup.ts';
import type { ClientLinks } from './clientLinks.ts';
import { gitEnv, listenForGit } from './gitCredentials.ts';
import type { EndpointContainers } from './ports.ts';
import type { RelayPool } from './relayPool.ts';

/** What ssh-agents take at most. */
const MAX_MESSAGE = 256 * 1024;

export interface SharingParts {
  readonly containers: EndpointContainers;
  readonly relays: RelayPool;
  readonly links: ClientLinks;
}

/**
 * Gives processes in a container a way to the client's credentials, as an SSH connection does, for as long as the client link is open. Returns
 * environment for them.
 */
export async function shareWithContainer({ containers, relays, links }: SharingParts, link: string, request: ShareRequest): Promise<string[]> {
  const { id } = containers.find(request.containerId);
  const lease = relays.take(containers.running(id), await containers.account(id, request.user));
  const stack = new CleanupStack();
  stack.defer(() => lease.release());
  try {
    const relay = await lease.relay;
    const git = request.git?.credentials === true ? await listenForGit(relay, links, link) : undefined;
    if (git) stack.defer(() => git.close());
    const agent = request.agent ? await relay.listenPrivate('agent', ({ socket }) => void serveAgent(socket, (message) => links.askAgent(link, message))) : undefined;
    if (agent) stack.defer(() => agent.close());
    links.onEnd(link, () => void stack.run());
    return [...gitEnv(request.git, git?.path, []), ...(agent ? [`SSH_AUTH_SOCK=${agent.path}`] : [])];
  } catch (error) {
    await stack.run();
    throw error;
  }
}

/** Passes messages of the ssh-agent protocol on, one after the other: each is its length, in four bytes, and as many bytes. */
async function serveAgent(socket: Socket, ask: (message: Buffer) => Promise<Buffer>): Promise<void> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
        const end = 4 + rest.readUInt32BE();
        const answer = await ask(rest.subarray(0, end));
        if (answer.length === 0) return void socket.destroy();
        socket.write(answer);
        rest = rest.subarray(end);
      }
      if (rest.length >= 4 && rest.readUInt32BE() > MAX_MESSAGE) return void socket.destroy();
    }
    socket.end();
  } catch {
    socket.destroy();
  }
}
