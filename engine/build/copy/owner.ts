import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { unknownUser } from '../errors.ts';
import type { Place } from '../errors.ts';
import { NotReadable, readRegular } from '../context/readRegular.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `user[:group]`, by name or number, in the image at `root`. Throws BUILD_USER_UNKNOWN. */
export async function lookUpOwner(root: string, spec: string, place: Place): Promise<Owner> {
  const [user = '', group] = spec.split(':');
  const account = await findAccount(root, user, place);
  if (group === undefined || group === '') return account;
  return { uid: account.uid, gid: isNumber(group) ? Number(group) : await findGroup(root, group, place) };
}

async function findAccount(root: string, user: string, place: Place): Promise<Owner> {
  if (user === '') return { uid: 0, gid: 0 };
  // A number without a group means the group of the same number (Docker's rule).
  if (isNumber(user)) return { uid: Number(user), gid: Number(user) };
  const found = (await readDatabase(root, 'etc/passwd')).find((row) => row[0] === user);
  if (!found) throw unknownUser({ ...place, user: `user ${user}`, database: '/etc/passwd' });
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function findGroup(root: string, group: string, place: Place): Promise<number> {
  const found = (await readDatabase(root, 'etc/group')).find((row) => row[0] === group);
  if (!found) throw unknownUser({ ...place, user: `group ${group}`, database: '/etc/group' });
  return Number(found[2]);
}

async function readDatabase(root: string, path: string): Promise<string[][]> {
  try {
    const text = await readRegular(join(root, await resolveInRoot(root, path)));
    return text.split('\n').map((line) => line.split(':'));
  } catch (error) {
    if (error instanceof NotReadable || systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}
