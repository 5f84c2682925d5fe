import { once } from 'node:events';
import type { ServerChannel } from 'ssh2';
import type { Log } from '../base/log.ts';
import { startFailure } from '../host/process.ts';
import { startAgent } from './agentProcess.ts';
import type { AgentLauncher } from './agentProcess.ts';
import { ChannelWriter } from './channelWriter.ts';
import type { ConnectionTarget, Login } from './target.ts';

/** Serves SFTP on a channel by an agent of its own. Resolves when it has ended; throws ENDPOINT_AGENT_FAILED and the like. */
export async function serveSftpChannel(launcher: AgentLauncher, target: ConnectionTarget, login: Login, channel: ServerChannel, log: Log): Promise<void> {
  // What comes before the agent is there waits in the channel.
  const agent = await startAgent(launcher, target.container, login.account, { mode: 'sftp', cwd: login.cwd }, ['pipe', 'pipe', 'pipe', 'ignore']);
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
  if (status !== 0 && status !== null) log.warn('an SFTP session ended early', { container: target.container.id, status, detail: words });
  channel.exit(status ?? 255);
  channel.end();
}
