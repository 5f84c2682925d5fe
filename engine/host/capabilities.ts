import { readFileSync } from 'node:fs';
import { badRequest } from '../base/errors.ts';

/** All capabilities, in the kernel's order: the index is the bit. */
const ALL = [
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN',
  'NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME',
  'SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON',
  'BPF CHECKPOINT_RESTORE',
].flatMap((line) => line.split(' ').map((name) => `CAP_${name}`));

/** Docker's default set. */
export const defaultCapabilities: readonly string[] = 'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
  .split(' ')
  .map((name) => `CAP_${name}`);

export interface CapabilityWish {
  readonly privileged: boolean;
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/** The capabilities of a container; never one that we could not give (`available`: our own bounding set). Throws BAD_REQUEST for unknown names. */
export function containerCapabilities(wish: CapabilityWish, available: readonly string[] = ourCapabilities()): string[] {
  const add = wish.add.map(normalise);
  const drop = wish.drop.map(normalise);
  const base = wish.privileged || add.includes('ALL') ? ALL : drop.includes('ALL') ? [] : defaultCapabilities;
  const kept = base.filter((name) => !drop.includes(name));
  const wanted = [...kept, ...add.filter((name) => name !== 'ALL' && !kept.includes(name))];
  return wanted.filter((name) => available.includes(name));
}

/** Where no control group keeps devices from a container, it must not make nodes of them. */
export function withoutMknod(names: readonly string[]): string[] {
  return names.filter((name) => name !== 'CAP_MKNOD');
}

/** What this process may hand on, read once. */
export function ourCapabilities(): readonly string[] {
  known ??= fromMask(/^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0');
  return known;
}
let known: readonly string[] | undefined;

/** The names in a hexadecimal mask as /proc/<pid>/status prints it. */
export function fromMask(mask: string): string[] {
  const bits = BigInt(`0x${mask}`);
  return ALL.filter((_name, index) => (bits >> BigInt(index)) & 1n);
}

function normalise(name: string): string {
  const upper = name.toUpperCase();
  if (upper === 'ALL') return upper;
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!ALL.includes(full)) throw badRequest({ what: 'invalid capability', detail: `unknown capability "${name}"` });
  return full;
}
