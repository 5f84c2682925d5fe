import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readUser } from './rootfsSetup.ts';
import type { ResolvedUser } from './user.ts';

interface Known {
  readonly state: string;
  readonly user: ResolvedUser;
}

/** Who an exec's user is, remembered per container until its passwd or group file changes: an exec is short, reading both is not. */
export class UserCache {
  readonly #known = new Map<string, Known>();

  async read(containerId: string, rootfs: string, spec: string): Promise<ResolvedUser> {
    const key = `${containerId} ${spec}`;
    const state = stateOf(rootfs);
    const known = this.#known.get(key);
    if (known && known.state === state) return known.user;
    const user = await readUser(rootfs, spec, []);
    this.forget(containerId, spec);
    // Changed while it was read: not remembered.
    if (stateOf(rootfs) === state) this.#known.set(key, { state, user });
    return user;
  }

  /** Forgets one user of a container, or all of them. */
  forget(containerId: string, spec?: string): void {
    if (spec !== undefined) this.#known.delete(`${containerId} ${spec}`);
    else for (const key of this.#known.keys()) if (key.startsWith(`${containerId} `)) this.#known.delete(key);
  }
}

/** Only compared, never trusted: what a link in the container leads to is not read here. */
function stateOf(rootfs: string): string {
  return ['etc', 'etc/passwd', 'etc/group']
    .map((name) => {
      const info = lstatSync(join(rootfs, name), { throwIfNoEntry: false, bigint: true });
      return info ? `${info.dev} ${info.ino} ${info.mode} ${info.size} ${info.mtimeNs} ${info.ctimeNs}` : '-';
    })
    .join(' ');
}
