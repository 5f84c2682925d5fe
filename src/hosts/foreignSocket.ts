import { basename } from 'node:path';

/** The socket setting names another engine's socket, which nobody serves now. */
export class ForeignSocket extends Error {
  override readonly name = 'ForeignSocket';
  readonly socketPath: string;

  constructor(socketPath: string) {
    super(`${socketPath} belongs to another container engine`);
    this.socketPath = socketPath;
  }
}

/** Whether a path is by its name Docker's or Podman's socket: ours must never be put there. */
export function isForeignSocket(path: string): boolean {
  return /^(docker|podman)(\.raw)?\.sock$/.test(basename(path));
}
