import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The process that has a socket open. */
export interface SocketOwner {
  /** On the host. */
  readonly pid: number;
  readonly name: string;
  readonly command: string;
}

/** Who has these sockets (by inode) open, among the processes in the network namespace of `pid`. Those nobody can be found for are left out. */
export function socketOwners(pid: number, inodes: Iterable<string>): Map<string, SocketOwner> {
  const wanted = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const owners = new Map<string, SocketOwner>();
  const namespace = linkOf(`/proc/${pid}/ns/net`);
  if (namespace === undefined || wanted.size === 0) return owners;
  for (const other of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (wanted.size === 0) break;
    if (linkOf(`/proc/${other}/ns/net`) !== namespace) continue;
    for (const fd of list(`/proc/${other}/fd`)) {
      const target = linkOf(`/proc/${other}/fd/${fd}`);
      if (target === undefined || !wanted.delete(target)) continue;
      owners.set(target.slice('socket:['.length, -1), { pid: Number(other), ...describe(other) });
    }
  }
  return owners;
}

/** Whether a process shares this process's network. */
export function isInOwnNetwork(pid: number): boolean {
  return linkOf(`/proc/${pid}/ns/net`) === linkOf('/proc/self/ns/net');
}

function describe(pid: string): { name: string; command: string } {
  const name = text(`/proc/${pid}/comm`).trim();
  return { name, command: text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || name };
}

// A process may end between two looks at it: then there is nothing to see.

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
