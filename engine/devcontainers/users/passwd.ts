/** What /etc/passwd and /etc/group say. Pure. */

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
    return name !== '' && /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home: home || '/', shell }] : [];
  });
}

/** Group ids by name. */
export function parseGroups(text: string): Map<string, number> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [name = '', , gid = ''] = line.split(':');
      return name !== '' && /^\d+$/.test(gid) ? [[name, Number(gid)] as const] : [];
    }),
  );
}

/**
 * The ids of a user as Docker's `User` names it: `name`, `uid`, `name:group`, `uid:gid`. A number that is not in passwd
 * stands for itself, with group 0. Undefined when a name is not there.
 */
export function resolveUser(user: string, passwd: readonly PasswdEntry[], groups: ReadonlyMap<string, number>): { uid: number; gid: number } | undefined {
  const [name = '', group] = (user === '' ? 'root' : user).split(':');
  const entry = passwd.find((one) => one.name === name) ?? (/^\d+$/.test(name) ? passwd.find((one) => one.uid === Number(name)) : undefined);
  const uid = entry?.uid ?? (name === 'root' ? 0 : /^\d+$/.test(name) ? Number(name) : undefined);
  if (uid === undefined) return undefined;
  if (group === undefined || group === '') return { uid, gid: entry?.gid ?? 0 };
  const gid = groups.get(group) ?? (/^\d+$/.test(group) ? Number(group) : undefined);
  return gid === undefined ? undefined : { uid, gid };
}
