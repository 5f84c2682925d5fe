import assert from 'node:assert/strict';
import { resolveUser } from '../../../engine/containers/user.ts';

const passwd = 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/bash\nbroken line\n12:x:77:78::/n:/bin/sh\n';
const group = 'root:x:0:\nnode:x:1000:\ndocker:x:998:node,other\naudio:x:29:node\n';
const who = (spec: string, extra: string[] = []) => resolveUser(spec, passwd, group, extra);

describe('the user of a container', () => {
  it('is root when nobody is named', () => {
    assert.deepEqual(who(''), { uid: 0, gid: 0, additionalGids: [0], home: '/root' });
  });

  it('is found by name, with the groups that list it', () => {
    assert.deepEqual(who('node'), { uid: 1000, gid: 1000, additionalGids: [1000, 998, 29], home: '/home/node' });
  });

  it('is found by number, with its entry if it has one', () => {
    assert.deepEqual(who('1000'), who('node'));
    assert.deepEqual(who('4242'), { uid: 4242, gid: 0, additionalGids: [0], home: '/' });
  });

  it('takes a group by name or number and then no others', () => {
    assert.deepEqual(who('node:docker'), { uid: 1000, gid: 998, additionalGids: [998], home: '/home/node' });
    assert.equal(who('1000:5').gid, 5);
  });

  it('prefers a name that is all digits to the number', () => {
    assert.equal(who('12').uid, 77);
  });

  it('has further groups when asked', () => {
    assert.deepEqual(who('node', ['audio', '7']).additionalGids, [1000, 998, 29, 7]);
  });

  it('must exist when named', () => {
    assert.throws(() => who('nobody'), /unable to find user nobody/);
    assert.throws(() => who('node:nogroup'), /unable to find group nogroup/);
  });
});
