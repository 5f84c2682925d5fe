import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Linux: a handle on the name itself, whatever it is; Node has no word for it. */
const O_PATH = 0o10000000;

/**
 * Connects to a socket in a folder that a container can write to. What lies under the name may be the container's trick: a link out of the
 * folder, to another socket of the host, is not followed. The folder itself is ours. Its path may be longer than a socket's may.
 */
export async function connectIn(folder: string, name: string): Promise<Socket> {
  await using parent = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await using file = await open(`/proc/self/fd/${parent.fd}/${name}`, O_PATH | constants.O_NOFOLLOW);
  if (!(await file.stat()).isSocket()) throw new Error(`${name} is not a socket`);
  const socket = connect({ path: `/proc/self/fd/${file.fd}` });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}
