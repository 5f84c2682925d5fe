import type { OciUser } from '../host/ociTypes.ts';
import { noSuchUser } from './errors.ts';

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface ResolvedUser extends OciUser {
  readonly home: string;
}

/**
 * Who `spec` is (`name`, `uid`, `name:group`, `uid:gid`, or empty for root) by an image's own passwd and group files. A number needs no
 * entry; a name does. Supplementary groups are the user's own group, so that a set-group-ID program cannot shed it, and those that list the user,
 * unless a group was named. Throws NO_SUCH_USER. Pure.
 */
export function resolveUser(spec: string, passwd: string, group: string, extraGroups: readonly string[] = []): ResolvedUser {
  const [who = '', which] = spec.split(':');
  const accounts = passwd.split('\n').flatMap((line) => parseAccount(line) ?? []);
  const groups = group.split('\n').flatMap((line) => parseGroup(line) ?? []);
  const wanted = who === '' ? '0' : who;
  const account = accounts.find(({ name }) => name === wanted) ?? accounts.find(({ uid }) => isNumber(wanted) && uid === Number(wanted));
  if (!account && !isNumber(wanted)) throw noSuchUser({ kind: 'user', name: wanted });
  const uid = account?.uid ?? Number(wanted);
  const gid = which ? findGroup(which, groups) : (account?.gid ?? 0);
  const member = which || !account ? [] : groups.filter(({ members }) => members.includes(account.name)).map((one) => one.gid);
  const extra = extraGroups.map((name) => findGroup(name, groups));
  return { uid, gid, additionalGids: [...new Set([gid, ...member, ...extra])], home: account?.home || '/' };
}

function findGroup(wanted: string, groups: readonly Group[]): number {
  const found = groups.find(({ name }) => name === wanted);
  if (found) return found.gid;
  if (!isNumber(wanted)) throw noSuchUser({ kind: 'group', name: wanted });
  return Number(wanted);
}

function parseAccount(line: string): Account | undefined {
  const [name, , uid, gid, , home = '/'] = line.split(':');
  if (!name || !isNumber(uid ?? '') || !isNumber(gid ?? '')) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

function parseGroup(line: string): Group | undefined {
  const [name, , gid, members = ''] = line.split(':');
  if (!name || !isNumber(gid ?? '')) return undefined;
  return { name, gid: Number(gid), members: members.split(',').filter((one) => one !== '') };
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1;
}
