import { readFile } from 'node:fs/promises';

/** A TCP socket that waits for connections, as the kernel lists it for a network namespace. */
export interface ListeningSocket {
  readonly family: 'ipv4' | 'ipv6';
  /** An address that reaches it from inside its namespace. */
  readonly address: string;
  /** Which addresses it accepts connections for. */
  readonly scope: 'loopback' | 'any' | 'one';
  readonly port: number;
  readonly inode: string;
}

/** The listening sockets of the network namespace that a process is in. Throws when that process is gone. */
export async function listeningSockets(pid: number): Promise<ListeningSocket[]> {
  const table = async (name: string, family: ListeningSocket['family']): Promise<ListeningSocket[]> => parseSocketTable(await readFile(`/proc/${pid}/net/${name}`, 'latin1'), family);
  const [four, six] = await Promise.all([table('tcp', 'ipv4'), table('tcp6', 'ipv6').catch(() => [])]); // a kernel without IPv6 has no tcp6
  return [...four, ...six];
}

/**
 * How many TCP sockets the namespace has, as a text to compare. Made for little: the tables of sockets are read by walking all of the host's, which
 * takes milliseconds of the processor however few there are. Throws when that process is gone.
 */
export async function socketCounts(pid: number): Promise<string> {
  const count = async (name: string): Promise<string> => /^TCP6?: inuse \d+/m.exec(await readFile(`/proc/${pid}/net/${name}`, 'latin1'))?.[0] ?? '';
  return (await Promise.all([count('sockstat'), count('sockstat6').catch(() => '')])).join(' ');
}

/** `/proc/<pid>/net/tcp` or `tcp6`: the rows in the state LISTEN. */
export function parseSocketTable(text: string, family: ListeningSocket['family']): ListeningSocket[] {
  return text.split('\n').slice(1).flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [hex = '', port = ''] = local.split(':');
    if (state !== '0A' || port === '') return [];
    return [{ family, ...place(hex), port: Number.parseInt(port, 16), inode }];
  });
}

/** The kernel prints addresses as 32-bit words of the host's byte order; every machine that Berth runs on is little-endian. */
function place(hex: string): Pick<ListeningSocket, 'address' | 'scope'> {
  const bytes = [...(hex.match(/.{8}/g) ?? [])].flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  const mapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  const four = bytes.length === 4 ? bytes : mapped ? bytes.slice(12) : undefined;
  if (four) return four.every((byte) => byte === 0) ? { address: '127.0.0.1', scope: 'any' } : { address: four.join('.'), scope: four[0] === 127 ? 'loopback' : 'one' };
  if (bytes.every((byte) => byte === 0)) return { address: '::1', scope: 'any' };
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16));
  const loopback = groups.join(':') === '0:0:0:0:0:0:0:1';
  return loopback ? { address: '::1', scope: 'loopback' } : { address: groups.join(':'), scope: 'one' };
}
