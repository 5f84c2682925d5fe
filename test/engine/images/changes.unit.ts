import assert from 'node:assert/strict';
import { applyChanges } from '../../../engine/images/changes.ts';
import { globMatches } from '../../../engine/images/filters.ts';

describe('changes of an imported or committed image', () => {
  const cases: ReadonlyArray<readonly [string, object]> = [
    ['CMD ["a", "b c"]', { Cmd: ['a', 'b c'] }],
    ['cmd echo $HOME', { Cmd: ['/bin/sh', '-c', 'echo $HOME'] }],
    ['ENTRYPOINT ["/x"]', { Entrypoint: ['/x'] }],
    ['ENV A=1 B="two words" C=\\ d', { Env: ['A=1', 'B=two words', 'C= d'] }],
    ['ENV A 1 and more', { Env: ['A=1 and more'] }],
    ['LABEL "a b"=c d=\'e f\'', { Labels: { 'a b': 'c', d: 'e f' } }],
    ['EXPOSE 80 53/udp', { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }],
    ['VOLUME ["/a", "/b"]', { Volumes: { '/a': {}, '/b': {} } }],
    ['USER 1000:1000', { User: '1000:1000' }],
    ['WORKDIR /srv', { WorkingDir: '/srv' }],
    ['STOPSIGNAL SIGINT', { StopSignal: 'SIGINT' }],
    ['ONBUILD RUN true', { OnBuild: ['RUN true'] }],
  ];
  for (const [change, expected] of cases) it(change, () => assert.deepEqual(applyChanges({}, [change]), expected));

  it('add up, the later over the earlier', () => {
    assert.deepEqual(applyChanges({ Env: ['A=0', 'P=/bin'] }, ['ENV A=1', 'ENV B=2', 'WORKDIR /a', 'WORKDIR b']), { Env: ['A=1', 'P=/bin', 'B=2'], WorkingDir: '/a/b' });
  });

  it('that are none are refused', () => {
    for (const change of ['RUN true', 'nonsense', '', 'LABEL a=1 b']) assert.throws(() => applyChanges({}, [change]), { code: 'INVALID_CHANGE', status: 400 }, change);
  });
});

describe('patterns of names', () => {
  for (const [pattern, text, fits] of [
    ['debian', 'debian', true],
    ['deb*', 'debian', true],
    ['*', 'team/app', false],
    ['*/app', 'team/app', true],
    ['d?bian', 'debian', true],
    ['[a-d]ebian', 'debian', true],
    ['[^a-d]ebian', 'debian', false],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a.c', 'abc', false],
    ['(x+)+', 'xxxx', false],
    ['[', '[', true],
  ] as Array<[string, string, boolean]>) {
    it(`${pattern} ${fits ? 'fits' : 'does not fit'} ${text}`, () => assert.equal(globMatches(pattern, text), fits));
  }
});
