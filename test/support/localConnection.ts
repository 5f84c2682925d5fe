import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { start } from '../../engine/host/process.ts';
import type { HostConnection } from '../../engine/remote/connection.ts';

/**
 * This machine as if it were a host at the other end of a connection: what a test needs where SSH itself is not the subject.
 * `enter`: a command before the shell's, such as `nsenter …`.
 */
export function localConnection(env: NodeJS.ProcessEnv = process.env, enter: readonly string[] = []): HostConnection {
  let finish: (reason: Error | undefined) => void = () => undefined;
  const closed = new Promise<Error | undefined>((resolve) => (finish = resolve));
  const open = async (socket: Socket): Promise<Socket> => {
    await once(socket, 'connect');
    return socket;
  };
  return {
    description: 'local',
    exec: (command) => {
      const [program = '/bin/sh', ...args] = [...enter, '/bin/sh', '-c', command];
      const child = start(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
      const exit = new Promise<{ code?: number; signal?: string }>((resolve) => {
        child.once('close', (code, signal) => resolve({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }));
        child.once('error', () => resolve({}));
      });
      return Promise.resolve({ stdin: child.stdin as Writable, stdout: child.stdout as Readable, stderr: child.stderr as Readable, exit, kill: () => void child.kill() });
    },
    openStreamLocal: (path) => open(connect({ path, allowHalfOpen: true })),
    openTcp: (host, port) => open(connect({ host, port, allowHalfOpen: true })),
    closed,
    close: () => {
      finish(undefined);
      return Promise.resolve();
    },
  };
}
