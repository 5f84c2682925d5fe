import { readFileSync } from 'node:fs';
import { ourCapabilities } from './capabilities.ts';
import type { OciRlimit } from './ociTypes.ts';
import { inUserNamespace } from './userNamespace.ts';

/** Docker's name of a limit and its row in /proc/<pid>/limits. */
const ROWS: Readonly<Record<string, string>> = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
};

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/**
 * Docker's ulimits for the OCI runtime. A process without CAP_SYS_RESOURCE cannot raise a hard limit above its own: there the
 * limit is clamped, since refusing to start would help nobody.
 */
export function toRlimits(ulimits: readonly Ulimit[], limits: string = readFileSync('/proc/self/limits', 'utf8'), mayRaise: boolean = ourCapabilities().includes('CAP_SYS_RESOURCE') && !inUserNamespace()): OciRlimit[] {
  return ulimits.map(({ Name, Soft, Hard }) => {
    const ours = mayRaise ? Infinity : hardLimit(limits, Name);
    const hard = Math.min(Hard < 0 ? Infinity : Hard, ours);
    return { type: `RLIMIT_${Name.toUpperCase()}`, hard: finite(hard), soft: finite(Math.min(Soft < 0 ? Infinity : Soft, hard)) };
  });
}

/** Nobody but the host's root may make a process less likely to be killed than they themselves are. */
export function possibleOomScore(wanted: number, userNamespace: boolean = inUserNamespace()): number {
  return userNamespace ? Math.max(wanted, Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))) : wanted;
}

export function isKnownUlimit(name: string): boolean {
  return name in ROWS;
}

function hardLimit(limits: string, name: string): number {
  const row = limits.split('\n').find((line) => line.startsWith(`${ROWS[name] ?? '?'} `));
  const hard = row?.slice(26).trim().split(/\s+/)[1];
  return hard === undefined || hard === 'unlimited' ? Infinity : Number(hard);
}

function finite(limit: number): number {
  return limit === Infinity ? -1 : limit;
}
