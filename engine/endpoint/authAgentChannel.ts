import type { Connection, ServerChannel } from 'ssh2';

/** ssh2's own numbers for the channels it opens. */
const WINDOW = 2 * 1024 * 1024;
const PACKET = 32 * 1024;

interface ChannelManager {
  add(onOpen: (error: Error | undefined, channel: ServerChannel) => void): number;
}
interface Protocol {
  openssh_authAgent(channel: number, window: number, packet: number): void;
}

/**
 * Opens a channel to the client's ssh-agent (`auth-agent@openssh.com`). ssh2's server has the packet but no method that sends it, so this takes the
 * same two steps that its methods for other channels take.
 */
export function openAuthAgentChannel(client: Connection): Promise<ServerChannel> {
  const manager: unknown = Reflect.get(client, '_chanMgr');
  const protocol: unknown = Reflect.get(client, '_protocol');
  return new Promise((resolve, reject) => {
    if (!isManager(manager) || !isProtocol(protocol)) return reject(new Error('this version of ssh2 keeps its channels elsewhere'));
    const number = manager.add((error, channel) => (error ? reject(error) : resolve(channel)));
    if (number < 0) return reject(new Error('no channel is free'));
    protocol.openssh_authAgent(number, WINDOW, PACKET);
  });
}

function isManager(value: unknown): value is ChannelManager {
  return typeof value === 'object' && value !== null && 'add' in value && typeof value.add === 'function';
}

function isProtocol(value: unknown): value is Protocol {
  return typeof value === 'object' && value !== null && 'openssh_authAgent' in value && typeof value.openssh_authAgent === 'function';
}
