import assert from 'node:assert/strict';
import { workspaceIdmap, workspaceIds } from '../../../engine/devcontainers/users/mapping.ts';
import { parseGroups, parsePasswd, resolveUser } from '../../../engine/devcontainers/users/passwd.ts';

const passwd = parsePasswd('root:x:0:0:root:/root:/bin/bash\nsailor:x:501:20:,,,:/home/sailor:/bin/zsh\n# comment\nbroken:x::\n1234:x:77:78::/:/bin/sh\n');
const groups = parseGroups('root:x:0:\nstaff:x:20:sailor\ndocker:x:999:\n');

describe('users of an image', () => {
  const table: Array<[string, { uid: number; gid: number } | undefined]> = [
    ['', { uid: 0, gid: 0 }],
    ['root', { uid: 0, gid: 0 }],
    ['sailor', { uid: 501, gid: 20 }],
    ['501', { uid: 501, gid: 20 }],
    ['sailor:docker', { uid: 501, gid: 999 }],
    ['501:7', { uid: 501, gid: 7 }],
    ['4000', { uid: 4000, gid: 0 }],
    ['4000:4001', { uid: 4000, gid: 4001 }],
    ['1234', { uid: 77, gid: 78 }],
    ['nobody-here', undefined],
    ['sailor:nogroup', undefined],
  ];
  for (const [user, expected] of table) it(user || '(none)', () => assert.deepEqual(resolveUser(user, passwd, groups), expected));

  it('root is there even without /etc/passwd', () => assert.deepEqual(resolveUser('root', [], new Map()), { uid: 0, gid: 0 }));
});

describe('the mapping of a workspace', () => {
  it('is none when the remote user already has the owner’s ids', () => assert.equal(workspaceIdmap({ uid: 1000, gid: 1000 }, { uid: 1000, gid: 1000 }), undefined));
  it('shows the owner’s files as the remote user’s', () => assert.deepEqual(workspaceIdmap({ uid: 1000, gid: 1000 }, { uid: 501, gid: 20 }), { onDisk: { uid: 1000, gid: 1000 }, inside: { uid: 501, gid: 20 } }));
  it('is needed when only the group differs', () => assert.deepEqual(workspaceIdmap({ uid: 1000, gid: 100 }, { uid: 1000, gid: 1000 }), { onDisk: { uid: 1000, gid: 100 }, inside: { uid: 1000, gid: 1000 } }));
});

describe('a workspace of an engine', () => {
  const sailor = { uid: 501, gid: 20 };
  const you = { uid: 0, gid: 0 };
  const automatic = { asked: '', joins: false };
  const enough = { canKeep: ({ uid }: { uid: number }) => uid < 1000 };
  const tooFew = { canKeep: () => false };
  const idmap = (owner: typeof you): object => ({ idmap: { onDisk: owner, inside: sailor } });

  it('with root is mapped, whatever keep-id says', () => {
    for (const asked of ['', 'keep-id', 'keep-id:uid=501']) assert.deepEqual(workspaceIds({ uid: 1000, gid: 1000 }, () => sailor, { asked, joins: false }, undefined), idmap({ uid: 1000, gid: 1000 }));
  });

  it('without root makes its owner, you, the remote user', () => {
    assert.deepEqual(workspaceIds(you, () => sailor, automatic, enough), { userns: 'keep-id:uid=501,gid=20', keepId: sailor });
    assert.deepEqual(workspaceIds(undefined, () => sailor, { asked: 'keep-id', joins: false }, enough), { userns: 'keep-id:uid=501,gid=20', keepId: sailor });
  });

  it('without root needs nothing for root, who is you', () => assert.deepEqual(workspaceIds({ uid: 0, gid: 65_534 }, () => you, automatic, enough), {}));

  it('without root wants the mapping that cannot be made, which is said, where there are not ids enough or it is not yours', () => {
    assert.deepEqual(workspaceIds(you, () => sailor, automatic, tooFew), idmap(you));
    assert.deepEqual(workspaceIds({ uid: 65_534, gid: 0 }, () => sailor, automatic, enough), idmap({ uid: 65_534, gid: 0 }));
  });

  it('has the ids of the container that it shares namespaces with', () => assert.deepEqual(workspaceIds(you, () => sailor, { asked: '', joins: true }, enough), { userns: '', ...idmap(you) }));

  it('is what runArgs say in numbers, and asks for no user where nothing is to be mapped', () => {
    const unasked = (): never => assert.fail('asked for the user');
    assert.deepEqual(workspaceIds(you, unasked, { asked: 'keep-id:uid=7', joins: false }, enough), { userns: 'keep-id:uid=7' });
    assert.deepEqual(workspaceIds(undefined, unasked, automatic, enough), {});
    assert.deepEqual(workspaceIds(undefined, unasked, automatic, undefined), {});
  });
});
