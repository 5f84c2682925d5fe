import { randomUUID } from 'node:crypto';
import type { UserEnvProbe } from '../config/schema.ts';
import { runExec } from '../exec/runExec.ts';
import type { DevExecs } from '../ports.ts';

const CAP_MS = 10_000;

const shellFlags: Readonly<Record<UserEnvProbe, string>> = { none: '', loginShell: '-lc', loginInteractiveShell: '-lic', interactiveShell: '-ic' };

/** Variables that describe the probing shell itself, not the user's environment. */
const ownVariables: ReadonlySet<string> = new Set(['_', 'SHLVL', 'PWD', 'OLDPWD']);

/**
 * Finds the user's shell and, with flags, asks it for its environment. $1 is a mark that nothing else prints; what a user's start-up files print lies
 * outside the marks. Needs nothing but a POSIX shell, id and cat.
 */
const script = `mark=$1 flags=$2 uid=$(id -u) shell=
while IFS=: read -r name password user group comment home program; do
  if [ "$user" = "$uid" ]; then shell=$program; break; fi
done < /etc/passwd
case "$shell" in */nologin|*/false) shell=;; esac
[ -x "$shell" ] || shell=/bin/sh
printf '%s%s%s' "$mark" "$shell" "$mark"
[ -n "$flags" ] || exit 0
export SHELL="$shell"
exec "$shell" "$flags" "printf %s '$mark'; cat /proc/self/environ; printf %s '$mark'"`;

export interface Probed {
  readonly shell: string;
  readonly env: Readonly<Record<string, string>>;
  /** Why the environment is not known, for people. */
  readonly problem: string | undefined;
}

/** The user's shell and the environment it sets up, as `userEnvProbe` says. At most 10 s; without an answer the environment is empty. */
export async function probeUser(execs: DevExecs, containerId: string, user: string, probe: UserEnvProbe, signal: AbortSignal): Promise<Probed> {
  const mark = `berth-${randomUUID()}`;
  const chunks: Buffer[] = [];
  const cap = AbortSignal.timeout(CAP_MS);
  let problem: string | undefined;
  try {
    const request = { command: ['/bin/sh', '-c', script, 'probe', mark, shellFlags[probe]], user, env: [], cwd: '/' };
    const status = await runExec(execs, containerId, request, (data, stream) => (stream === 'stdout' ? chunks.push(data) : undefined), AbortSignal.any([signal, cap]));
    if (status !== 0) problem = `the shell ended with status ${status}`;
  } catch (error) {
    signal.throwIfAborted();
    if (!cap.aborted) throw error;
    problem = `the shell did not answer within ${CAP_MS / 1000} s`;
  }
  const parsed = parseProbe(Buffer.concat(chunks).toString(), mark);
  if (probe !== 'none' && parsed.env === undefined) problem ??= 'the shell printed no environment';
  return { shell: parsed.shell || '/bin/sh', env: parsed.env ?? {}, problem: parsed.env === undefined && probe !== 'none' ? problem : undefined };
}

/** What lies between the marks: the shell, and its environment as NUL-separated `NAME=value`. Pure. */
export function parseProbe(text: string, mark: string): { shell: string; env: Record<string, string> | undefined } {
  const [, shell = '', , environ, end] = text.split(mark);
  if (environ === undefined || end === undefined) return { shell, env: undefined };
  const env: Record<string, string> = {};
  for (const entry of environ.split('\0')) {
    const at = entry.indexOf('=');
    if (at > 0 && !ownVariables.has(entry.slice(0, at))) env[entry.slice(0, at)] = entry.slice(at + 1);
  }
  if (env['TERM'] === 'dumb') delete env['TERM'];
  return { shell, env };
}
