/** The variable that marks the processes of one terminal, so that closing it can end them. */
export const terminalMark = 'BERTH_TERMINAL';

/** Becomes the user's shell of /etc/passwd, else bash, else sh. */
export const shellCommand: readonly string[] = [
  '/bin/sh',
  '-c',
  `user=$(id -un 2>/dev/null); shell=$(grep "^$user:" /etc/passwd 2>/dev/null); shell=\${shell##*:}
case $shell in */nologin|*/false) shell= ;; esac
[ -x "$shell" ] || shell=$(command -v bash || command -v sh)
exec "$shell"`,
];

/**
 * Hangs up one terminal, as closing its window would: SIGHUP to the session leader that carries the mark. An exec whose
 * client leaves goes on otherwise.
 */
export function hangUpCommand(mark: string): readonly string[] {
  const script = `for dir in /proc/[0-9]*; do
  pid=\${dir#/proc/}
  tr '\\0' '\\n' < "$dir/environ" 2>/dev/null | grep -qx "${terminalMark}=$1" || continue
  stat=$(cat "$dir/stat" 2>/dev/null); stat=\${stat##*) }
  set -- "$1" $stat
  [ "$5" = "$pid" ] && kill -HUP "$pid"
done`;
  return ['/bin/sh', '-c', script, 'hang-up', mark];
}
