/** A security context of SELinux, `user:role:type:level`; without multi-level policies it has no level. */
export interface Context {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level?: string;
}

/** Pure. `undefined`: it is none. */
export function parseContext(text: string): Context | undefined {
  const [, user, role, type, level] = /^([\w.-]+):([\w.-]+):([\w.-]+)(?::([\w:,.-]+))?$/.exec(text.trim().replace(/\0$/, '')) ?? [];
  if (user === undefined || role === undefined || type === undefined) return undefined;
  return { user, role, type, ...(level === undefined ? {} : { level }) };
}

export function formatContext({ user, role, type, level }: Context): string {
  return [user, role, type, ...(level === undefined ? [] : [level])].join(':');
}

/** What a policy has for containers. */
export interface ContainerContexts {
  readonly process: Context;
  readonly file: Context;
  /** Of what they read and nobody writes: layers. */
  readonly readOnly: Context;
}

/** From the file `lxc_contexts`; `undefined`: the policy knows no containers. Pure. */
export function parseContainerContexts(text: string): ContainerContexts | undefined {
  const values = new Map(text.split('\n').flatMap((line) => {
    const [, key = '', value = ''] = /^\s*(\w+)\s*=\s*"?([^"\s]+)"?/.exec(line) ?? [];
    return key === '' ? [] : [[key, value] as const];
  }));
  const [process, file, readOnly] = ['process', 'file', 'ro_file'].map((key) => parseContext(values.get(key) ?? ''));
  return process && file ? { process, file, readOnly: readOnly ?? file } : undefined;
}

const CATEGORIES = 1024;
/** Of privileged containers' files, which no confined one may touch: never given to others. */
export const RESERVED_LEVEL = 's0:c1022,c1023';
const TRIES = 1000;

/** The level of one container: a pair of categories that no other has, so that it may touch its own files and what is everybody's (`s0`), and nothing of others. Pure but for `random`, which gives whole numbers below its argument. */
export function freeLevel(taken: ReadonlySet<string>, random: (below: number) => number): string | undefined {
  const free = (level: string): boolean => level !== RESERVED_LEVEL && !taken.has(level);
  for (let left = TRIES; left > 0; left -= 1) {
    const [one, other] = [random(CATEGORIES), random(CATEGORIES)];
    if (one === other) continue;
    const level = levelOf(Math.min(one, other), Math.max(one, other));
    if (free(level)) return level;
  }
  for (let one = 0; one < CATEGORIES; one += 1) for (let other = one + 1; other < CATEGORIES; other += 1) if (free(levelOf(one, other))) return levelOf(one, other);
  return undefined;
}

function levelOf(low: number, high: number): string {
  return `s0:c${low},c${high}`;
}
