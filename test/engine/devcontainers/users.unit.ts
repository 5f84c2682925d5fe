import assert from 'node:assert/strict';
import { workspaceIdmap } from '../../../engine/devcontainers/users/mapping.ts';
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
