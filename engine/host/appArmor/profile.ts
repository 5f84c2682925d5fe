/** The profile of containers that name none. */
export const DEFAULT_PROFILE = 'berth-default';
export const UNCONFINED = 'unconfined';

export interface ProfileFacts {
  /** The engine's own label: it signals containers. */
  readonly engine: string;
  /** The host's AppArmor can be told by which version's meaning the rules are to be read: `abi/3.0`. */
  readonly abi: boolean;
}

/**
 * The default profile in AppArmor's language, of the effect of Docker's: what a container has no business with in /proc and /sys may not be written even where it
 * is root with every capability, nothing may be mounted, and only processes of containers are traced and signalled. Names that begin otherwise are told apart letter
 * by letter, for the language has no "all but". Pure.
 */
export function profileText({ engine, abi }: ProfileFacts): string {
  const signallers = [...new Set([UNCONFINED, 'runc', 'crun', engine])].filter((name) => name !== DEFAULT_PROFILE);
  return [
    ...(abi ? ['abi <abi/3.0>,'] : []),
    `profile ${DEFAULT_PROFILE} flags=(attach_disconnected,mediate_deleted) {`,
    ...['network,', 'unix,', 'deny network alg,', 'capability,', 'file,', 'umount,', 'deny mount,'],
    '# Whoever runs containers ends them, looks at them and enters them; they themselves see no others.',
    ...signallers.map((name) => `signal (receive) peer="${name}",`),
    `signal (send, receive) peer="${DEFAULT_PROFILE}",`,
    'signal (send, receive) set=(exists),',
    `ptrace (read, trace, readby, tracedby) peer="${DEFAULT_PROFILE}",`,
    'ptrace (readby, tracedby),',
    '# In /proc: the folders of processes, and of the kernel\'s settings those of shared memory, which belong to the container.',
    'deny /proc/* w,',
    ...allBut('/proc/', ['[0-9]', 'sys/']).map((path) => `deny ${path} w,`),
    ...allBut('/proc/sys/', ['kernel/']).map((path) => `deny ${path} w,`),
    ...allBut('/proc/sys/kernel/', ['shm']).map((path) => `deny ${path} w,`),
    ...['/proc/sysrq-trigger', '/proc/kcore'].map((path) => `deny ${path} rwklx,`),
    '# In /sys: control groups.',
    ...allBut('/sys/', ['fs/']).map((path) => `deny ${path} wklx,`),
    ...allBut('/sys/fs/', ['cgroup/']).map((path) => `deny ${path} wklx,`),
    ...['/sys/firmware', '/sys/devices/virtual/powercap', '/sys/kernel/security'].map((path) => `deny ${path}/** rwklx,`),
    '}',
    '',
  ].join('\n');
}

/**
 * Patterns for everything in a folder that begins with none of some words (a word is letters, or one class of characters): `fs/` makes `[^f/]**`, `f[^s/]**` and
 * `fs[^/]**`; a name that ends before its word does is a file, or of nobody.
 */
export function allBut(folder: string, words: readonly string[]): string[] {
  const classes = words.filter((word) => word.startsWith('[')).map((word) => word.slice(1, -1));
  const letters = words.filter((word) => !word.startsWith('['));
  const firsts = letters.map((word) => word.charAt(0));
  const later = letters.flatMap((word) => [...word].slice(1).map((letter, index) => `${folder}${word.slice(0, index + 1)}[^${letter === '/' ? '' : letter}/]**`));
  return [`${folder}[^${classes.join('')}${firsts.join('')}/]**`, ...later];
}
