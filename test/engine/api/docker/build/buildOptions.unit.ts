import assert from 'node:assert/strict';
import { parseBuildOptions } from '../../../../../engine/api/docker/build/buildOptions.ts';
import type { BuildHost, BuildOptionsBody } from '../../../../../engine/api/docker/build/buildOptions.ts';
import { FlagArgError } from '../../../../../engine/api/docker/run/parseFlags.ts';

const host: BuildHost = {
  resolve: (path) => (path.startsWith('/') ? path : `/project/${path}`),
  env: (name) => ({ FROM_ENV: 'e', SSH_AUTH_SOCK: '/agent' })[name],
  readFile: (path) => {
    if (path !== '/project/token') throw new Error(`no such file: ${path}`);
    return Buffer.from([0xff, 0]);
  },
};

describe('flags of docker build', () => {
  const table: Array<[string[], BuildOptionsBody]> = [
    [['--add-host', 'a:1.2.3.4', '--add-host=b=[::1]', '--shm-size', '64m', '--ulimit=nofile=1:2'], { extraHosts: ['a:1.2.3.4', 'b:::1'], shmSize: 67_108_864, ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] }],
    [['--build-arg', 'A=1', '--build-arg', 'FROM_ENV', '--build-arg', 'NOT_SET', '--label', 'l=v', '--label=alone'], { buildArgs: { A: '1', FROM_ENV: 'e' }, labels: { l: 'v', alone: '' } }],
    [['--build-context', 'lib=../lib', '--build-context=far=https://h/x.git?branch=b', '--build-context', 'base=docker-image://debian'], { contexts: { lib: { kind: 'directory', path: '/project/../lib' }, far: { kind: 'git', url: 'https://h/x.git?branch=b' }, base: { kind: 'image', ref: 'debian' } } }],
    [['--secret', 'id=token', '--secret', 'id=v,env=FROM_ENV', '--ssh', 'default', '--ssh', 'other=sock'], { secrets: { token: '/wA=', v: 'ZQ==' }, sshAgents: { default: '/agent', other: '/project/sock' } }],
    [['--network=host', '--platform', 'linux/amd64,linux/arm64', '-t', 'a', '--tag=b', '--target', 'dev', '--allow', 'device', '--allow=security.insecure'], { network: 'host', platforms: ['linux/amd64', 'linux/arm64'], tags: ['a', 'b'], target: 'dev', allowDevices: true, allowInsecure: true }],
    [['--no-cache', '--pull=false', '--no-cache-filter', 'a,b'], { noCache: true, pull: false, noCacheFilter: ['a', 'b'] }],
    [['--cache-from', 'r/a:c', '--cache-from=type=local,src=cache', '--cache-to', 'type=registry,ref=r/a:c,mode=max'], { cacheFrom: [{ type: 'image', ref: 'r/a:c' }, { type: 'local', folder: '/project/cache' }], cacheTo: [{ type: 'registry', ref: 'r/a:c', mode: 'max', ignoreError: false }] }],
    [['--load', '-q', '--progress', 'plain', '--force-rm', '--provenance=false', '--sbom', 'false'], {}],
  ];
  for (const [args, body] of table) it(args.join(' '), () => assert.deepEqual(parseBuildOptions(args, host), { body, warnings: [] }));

  it('are warned of where they have no effect: caches of other forms, limits that no build has', () => {
    const { body, warnings } = parseBuildOptions(['--cache-from', 'type=gha', '--cache-from', 'type=registry', '--cache-to=type=local,dest=x', '--cache-to', 'type=s3,bucket=b', '--builder', 'mine', '-m', '1g', '--provenance=mode=max'], host);
    assert.deepEqual(body, { cacheFrom: [], cacheTo: [] });
    assert.deepEqual(warnings.map((line) => line.replace(/:.*/, '')), ['the build cache type=gha is not used', 'the build cache type=registry is not used', 'the build cache type=local,dest=x is not written', 'the build cache type=s3,bucket=b is not written', '--builder mine has no effect', '-m 1g has no effect', '--provenance mode=max has no effect']);
  });

  const wrong: Array<[string[], FlagArgError['kind'], number, RegExp]> = [
    [['--no-cache', '--frobnicate', 'x'], 'unknown', 1, /--frobnicate is not a flag of docker build that Berth knows/],
    [['--label', 'a=b', '--add-host', 'db'], 'invalid', 3, /--add-host db: .*NAME:ADDRESS/],
    [['--network=bridge2'], 'invalid', 0, /expected default, none or host/],
    [['--secret', 'id=x,src=none'], 'invalid', 1, /no such file: \/project\/none/],
    [['--secret', 'id=x,env=NOT_SET'], 'invalid', 1, /the environment has no NOT_SET/],
    [['--target'], 'invalid', 0, /needs a value/],
    [['--no-cache', 'stray'], 'invalid', 1, /expected a flag of docker build, found stray/],
    [['--push'], 'unsupported', 0, /--push: the image of a dev container stays in the engine/],
    [['-f', 'Other'], 'unsupported', 0, /-f: the Dockerfile is that of build\.dockerfile/],
  ];
  for (const [args, kind, index, message] of wrong) it(`${args.join(' ')}: ${kind}`, () => assert.throws(() => parseBuildOptions(args, host), (error) => error instanceof FlagArgError && error.kind === kind && error.index === index && message.test(error.message)));
});
