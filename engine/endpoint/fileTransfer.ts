import { once } from 'node:events';
import type { ServerChannel } from 'ssh2';
import type { Log } from '../base/log.ts';
import { startFailure } from '../host/process.ts';
import { startAgent } from './agentProcess.ts';
import type { AgentLauncher } from './agentProcess.ts';
import { ChannelWriter } from './channelWriter.ts';
import type { ConnectionTarget, Login } from './target.ts';

export interface TransferParts {
  readonly launcher: AgentLauncher;
  readonly target: ConnectionTarget;
  readonly login: Login;
  readonly log: Log;
}

/** Serves SFTP, or the far end of scp, on a channel by an agent of its own. Resolves when it has ended; throws ENDPOINT_AGENT_FAILED and the like. */
export async function transferFiles({ launcher, target, login, log }: TransferParts, channel: ServerChannel, mode: 'sftp' | 'scp', args: readonly string[] = []): Promise<void> {
  // What comes before the agent is there waits in the channel.
  const agent = await startAgent(launcher, target.container, login.account, { mode, cwd: login.cwd, args }, ['pipe', 'pipe', 'pipe', 'ignore']);
  const failed = new Promise<never>((_resolve, reject) => agent.once('error', (error) => reject(startFailure('nsenter', error))));
  const exited = once(agent, 'exit');
  const { stdin, stdout, stderr } = agent;
  if (!stdin || !stdout || !stderr) throw new Error('an agent without streams');
  let words = '';
  stderr.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-2000)));
  stdin.on('error', () => undefined); // it has ended: seen below
  channel.once('close', () => void agent.kill());
  channel.on('data', (chunk: Buffer) => {
    if (!stdin.write(chunk)) channel.pause();
  });
  stdin.on('drain', () => channel.resume());
  channel.once('end', () => stdin.end());
  const writer = new ChannelWriter(channel);
  const pumped = (async () => {
    for await (const chunk of stdout) await writer.write(chunk as Buffer);
  })();
  await Promise.race([pumped, failed]);
  const [status] = (await Promise.race([exited, failed])) as [number | null];
  if (words !== '') log.warn('a file transfer ended early', { container: target.container.id, status, detail: words });
  channel.exit(status ?? 255);
  channel.end();
}
