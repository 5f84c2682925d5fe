import type { Socket } from 'node:net';
import type { GitAction, SshConnect } from '../api/berth/ssh.ts';
import type { ClientLinks } from './clientLinks.ts';
import type { Relay, RemoteListener } from './relay.ts';

/** What a request may hold at most. */
const MAX_REQUEST = 64 * 1024;

const actions: Readonly<Record<string, GitAction | undefined>> = { get: 'fill', store: 'approve', erase: 'reject' };

/**
 * Lets git in the container ask the client for credentials. git's own `credential-cache` is the program that asks: it connects to a socket and
 * sends what it wants to know. Here the other end is not its daemon but the client's credential helpers, so that nothing is kept in the container,
 * nor with us.
 */
export function listenForGit(relay: Relay, links: ClientLinks, link: string): Promise<RemoteListener> {
  return relay.listenPrivate('git', ({ socket }) => void answerGit(socket, (action, input) => links.askGit(link, action, input)));
}

/** Environment with the client's git settings, and with that socket as credential helper. Pure. */
export function gitEnv(git: SshConnect['git'], socket: string | undefined, env: readonly string[]): string[] {
  return gitConfigEnv([...Object.entries(git?.config ?? {}), ...(socket === undefined ? [] : [['credential.helper', `cache --socket ${socket}`] as const])], env);
}

async function answerGit(socket: Socket, ask: (action: GitAction, input: string) => Promise<string>): Promise<void> {
  try {
    const request = parseCacheRequest(await readAll(socket));
    const answer = request ? await ask(request.action, request.input) : '';
    socket.end(request?.action === 'fill' ? answer : '');
  } catch {
    socket.destroy();
  }
}

/** `action=…` and `timeout=…`, then the description of the credential. `undefined`: nothing for us. Pure. */
export function parseCacheRequest(text: string): { readonly action: GitAction; readonly input: string } | undefined {
  const lines = text.split('\n');
  const action = actions[lines.find((line) => line.startsWith('action='))?.slice('action='.length) ?? ''];
  const description = lines.filter((line) => line !== '' && !/^(action|timeout)=/.test(line));
  return action && description.length > 0 ? { action, input: `${description.join('\n')}\n\n` } : undefined;
}

/**
 * Environment that gives git settings without a file: `GIT_CONFIG_COUNT` and its keys and values, after those that are in the environment
 * already. Pure.
 */
export function gitConfigEnv(settings: ReadonlyArray<readonly [string, string]>, env: readonly string[]): string[] {
  const before = Number(env.find((entry) => entry.startsWith('GIT_CONFIG_COUNT='))?.split('=')[1] ?? 0) || 0;
  if (settings.length === 0) return [];
  return [`GIT_CONFIG_COUNT=${before + settings.length}`, ...settings.flatMap(([key, value], index) => [`GIT_CONFIG_KEY_${before + index}=${key}`, `GIT_CONFIG_VALUE_${before + index}=${value}`])];
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > MAX_REQUEST) throw new Error('too long a request');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
