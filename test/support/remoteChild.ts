import { runCli } from '../../engine/mainCli.ts';
import { defineError } from '../../engine/base/errors.ts';
import { berthCommand } from './linkWorld.ts';
import { TestNetwork } from './testNetwork.ts';

/** `berth`, with a way to hosts that ends at an engine of this machine: what BERTH_TEST_REMOTE says, see `RemoteWorld`. */
const remote = JSON.parse(process.env['BERTH_TEST_REMOTE'] ?? '{}') as { env: NodeJS.ProcessEnv; socketPath: string; password?: string; forbidsForwarding?: boolean };
const wrongPassword = defineError<Record<never, never>>('SSH_AUTH_FAILED', 401, () => 'The password was not accepted');
const forwardingRefused = defineError<Record<never, never>>('STREAMLOCAL_REFUSED', 403, () => 'The server forbids forwarding to sockets');

await runCli(import.meta.filename, process.argv.slice(2), {
  checkUrl: () => undefined,
  dial: async (_host, { ask, signal }) => {
    if (remote.password !== undefined) {
      const answers = await ask({ kind: 'password', user: 'test', host: 'elsewhere' }, signal);
      if (answers?.[0] !== remote.password) throw wrongPassword({});
    }
    const connection = await new TestNetwork(remote.env).dial();
    return remote.forbidsForwarding === true ? { ...connection, openStreamLocal: () => Promise.reject(forwardingRefused({})) } : connection;
  },
  engine: () => Promise.resolve('this one'),
  prepare: () => Promise.resolve({ socketPath: remote.socketPath, command: berthCommand() }),
  copies: () => Promise.resolve([]),
  purge: () => Promise.resolve(),
});
