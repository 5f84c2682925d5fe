import assert from 'node:assert/strict';
import { BerthError } from '../../../engine/base/errors.ts';
import type { BuildEvent, BuildStepStatus } from '../../../engine/api/berth/build.ts';
import { ClassicMessages, QuietMessages } from '../../../engine/server/routes/docker/buildMessages.ts';
import { parseBuildQuery, parsePruneQuery } from '../../../engine/server/routes/docker/buildQuery.ts';

const step = (index: number, status: BuildStepStatus, layer?: string): BuildEvent => ({ type: 'step', index, total: 3, line: index, stage: '0', text: `RUN ${index}`, status, ...(layer === undefined ? {} : { layer }) });
const log = (index: number, text: string): BuildEvent => ({ type: 'log', index, stream: 'stdout', text });
const failed = new BerthError('BUILD_STEP_FAILED', 500, 'it failed', { exitCode: 3, line: 2 });

describe("the classic builder's messages", () => {
  const play = (events: readonly BuildEvent[]): { text: string; messages: object[]; classic: ClassicMessages } => {
    const messages: object[] = [];
    const classic = new ClassicMessages((message) => void messages.push(message));
    for (const event of events) classic.event(event);
    return { messages, classic, get text() { return messages.map((message) => ('stream' in message ? String(message.stream) : JSON.stringify(message))).join(''); } };
  };

  it('come in the order of the Dockerfile, however the steps ran', () => {
    const { text } = play([step(1, 'finished'), step(3, 'started'), step(2, 'started'), log(3, 'three\n'), log(2, 'two\n'), step(3, 'finished', 'ccc'), log(2, 'two again\n'), step(2, 'finished', 'bbb')]);
    assert.equal(text, 'Step 1/3 : RUN 1\nStep 2/3 : RUN 2\ntwo\ntwo again\n ---> bbb\nStep 3/3 : RUN 3\nthree\n ---> ccc\n');
  });

  it('say what came from the cache, what was built and how it is tagged', () => {
    const played = play([step(1, 'cached', 'aaa'), step(2, 'finished'), step(3, 'finished')]);
    played.classic.succeeded(`sha256:${'ab'.repeat(32)}`, ['x', 'r:5000/y', 'z:1']);
    assert.equal(played.text, `Step 1/3 : RUN 1\n ---> Using cache\n ---> aaa\nStep 2/3 : RUN 2\nStep 3/3 : RUN 3\n{"aux":{"ID":"sha256:${'ab'.repeat(32)}"}}Successfully built abababababab\nSuccessfully tagged x:latest\nSuccessfully tagged r:5000/y:latest\nSuccessfully tagged z:1\n`);
  });

  it('tell a failure with its code, after all that was printed', () => {
    const played = play([step(2, 'started'), log(2, 'oops\n')]);
    played.classic.failed(failed);
    assert.deepEqual(played.messages.at(-1), { errorDetail: { code: 3, message: 'it failed' }, error: 'it failed' });
    assert.match(played.text, /oops/);
  });

  it('are only the id when quiet, unless the build fails', () => {
    const messages: object[] = [];
    const quiet = new QuietMessages((message) => void messages.push(message));
    quiet.event(step(1, 'finished'));
    assert.deepEqual(messages, []);
    quiet.succeeded('sha256:1');
    assert.deepEqual(messages, [{ stream: 'sha256:1\n' }]);
    quiet.failed(failed);
    assert.equal(messages.length, 3);
  });
});

describe('the query of POST /build', () => {
  it('is what the docker CLI sends', () => {
    const query = new URLSearchParams('buildargs={"A":"1","B":null}&cachefrom=["old:1"]&cgroupparent=&cpuperiod=0&cpuquota=0&cpusetcpus=&cpushares=0&dockerfile=sub%2FDockerfile&labels={"l":"v"}&memory=0&memswap=0&networkmode=default&nocache=1&pull=1&rm=1&shmsize=0&t=x&t=y%3A1&target=dev&ulimits=null&version=1');
    const auths = Buffer.from('{"r:5000":{"username":"u","password":"p"}}').toString('base64url');
    assert.deepEqual(parseBuildQuery(query, auths), { tags: ['x', 'y:1'], quiet: false, noCache: true, pull: true, buildArgs: { A: '1' }, labels: { l: 'v' }, network: 'default', target: 'dev', dockerfile: 'sub/Dockerfile', auths: { 'r:5000': { username: 'u', password: 'p' } }, cacheFrom: [{ type: 'image', ref: 'old:1' }] });
  });

  it('may give commands hosts and limits, and name a context that is elsewhere', () => {
    const parse = (text: string) => parseBuildQuery(new URLSearchParams(text), undefined);
    assert.deepEqual(parse('extrahosts=a:1.2.3.4&extrahosts=b:::1&extrahosts=c:host-gateway&shmsize=4096&ulimits=[{"Name":"nofile","Soft":1,"Hard":-1}]').settings, {
      hosts: [{ name: 'a', address: '1.2.3.4' }, { name: 'b', address: '::1' }, { name: 'c', address: 'host-gateway' }],
      shmSize: 4096,
      ulimits: [{ Name: 'nofile', Soft: 1, Hard: -1 }],
    });
    assert.equal('settings' in parse('extrahosts=&shmsize=0&ulimits=[]'), false);
    for (const query of ['extrahosts=a', 'extrahosts=a:b', 'extrahosts=:1.2.3.4', 'ulimits=[{"Name":"none","Soft":1,"Hard":1}]', 'ulimits=[{"Name":"nofile","Soft":2,"Hard":1}]', 'remote=/etc', 'remote=client-session']) assert.throws(() => parse(query), { code: 'BAD_REQUEST' }, query);
    assert.deepEqual(['https://h/x.tar', 'https://h/x.git#main:sub', 'git@h:x', 'github.com/a/b#v1', 'github.com/a/b.git'].map((remote) => parse(`remote=${encodeURIComponent(remote)}`).context), [
      { kind: 'http', url: 'https://h/x.tar' },
      { kind: 'git', url: 'https://h/x.git#main:sub' },
      { kind: 'git', url: 'git@h:x' },
      { kind: 'git', url: 'https://github.com/a/b.git#v1' },
      { kind: 'git', url: 'https://github.com/a/b.git' },
    ]);
  });

  it('is refused where it asks for what is not supported', () => {
    for (const query of ['version=2', 'squash=1', 'memory=5', 'networkmode=container:x']) assert.throws(() => parseBuildQuery(new URLSearchParams(query), undefined), { code: 'NOT_IMPLEMENTED' }, query);
    assert.throws(() => parseBuildQuery(new URLSearchParams('platform=linux/mine'), undefined), { code: 'BAD_REQUEST' });
    assert.deepEqual(parseBuildQuery(new URLSearchParams('platform=s390x'), undefined).platforms, [{ os: 'linux', architecture: 's390x' }]);
    assert.throws(() => parseBuildQuery(new URLSearchParams('buildargs={'), undefined), { code: 'INVALID_JSON' });
    assert.throws(() => parseBuildQuery(new URLSearchParams('labels={"a":1}'), undefined), { code: 'BAD_REQUEST' });
  });

  it('of prune gives an age and a size', () => {
    assert.deepEqual(parsePruneQuery(new URLSearchParams('keep-storage=100&filters={"until":{"1h30m":true}}'), 10_000_000), { keepBytes: 100, unusedSince: 4_600_000 });
    assert.deepEqual(parsePruneQuery(new URLSearchParams('all=1&filters={"until":["60"]}'), 0), { unusedSince: 60_000 });
    assert.deepEqual(parsePruneQuery(new URLSearchParams('keep-storage=0'), 0), {});
  });
});
