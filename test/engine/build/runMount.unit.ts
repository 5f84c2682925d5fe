import assert from 'node:assert/strict';
import { parseDockerfile } from '../../../engine/build/dockerfile/parse.ts';
import type { RunMount } from '../../../engine/build/plan/graph.ts';
import { outlineBuild } from '../../../engine/build/plan/outline.ts';
import { planBuild } from '../../../engine/build/plan/planBuild.ts';

const options = { buildArgs: {}, labels: {}, network: 'default' as const, platform: { os: 'linux', architecture: 'amd64' } };

function mounts(text: string): readonly RunMount[] {
  const built = planBuild(outlineBuild(parseDockerfile(`FROM scratch AS other\nCOPY a /a\nFROM scratch\nWORKDIR /w\nARG X=value\n${text}`), options), new Map(), options);
  return [...built.steps.values()].flatMap(({ op }) => (op.kind === 'run' ? op.mounts : []));
}

describe('the mounts of RUN', () => {
  it('have BuildKit’s defaults', () => {
    assert.deepEqual(mounts('RUN --mount=target=/src --mount=type=cache,dst=cache --mount=type=tmpfs,destination=/t --mount=type=secret,id=s --mount=type=ssh --mount=type=ssh,id=two x'), [
      { kind: 'bind', target: '/src', source: '', writable: false },
      { kind: 'cache', target: '/w/cache', id: '/w/cache', source: '', writable: true, sharing: 'shared', mode: 0o755, uid: 0, gid: 0 },
      { kind: 'tmpfs', target: '/t' },
      { kind: 'secret', id: 's', required: false, mode: 0o400, uid: 0, gid: 0, target: '/run/secrets/s' },
      { kind: 'ssh', id: 'default', target: '/run/buildkit/ssh_agent.0', required: false },
      { kind: 'ssh', id: 'two', target: '/run/buildkit/ssh_agent.1', required: false },
    ]);
  });

  it('take every option, with variables replaced', () => {
    assert.deepEqual(mounts('RUN --mount=type=bind,source=$X/in,target=/${X},rw --mount=type=cache,id=$X,target=/c,sharing=locked,mode=0700,uid=5,gid=6,ro --mount=type=secret,id=s,env=TOKEN --mount=type=secret,target=/k/key.pem,mode=0444,required=true --mount=type=tmpfs,target=/t,size=1m x'), [
      { kind: 'bind', target: '/value', source: 'value/in', writable: true },
      { kind: 'cache', target: '/c', id: 'value', source: '', writable: false, sharing: 'locked', mode: 0o700, uid: 5, gid: 6 },
      { kind: 'secret', id: 's', required: false, mode: 0o400, uid: 0, gid: 0, env: 'TOKEN' },
      { kind: 'secret', id: 'key.pem', required: true, mode: 0o444, uid: 0, gid: 0, target: '/k/key.pem' },
      { kind: 'tmpfs', target: '/t', size: 1024 ** 2 },
    ]);
  });

  it('may be quoted where they hold a comma', () => {
    assert.deepEqual(mounts('RUN --mount="source=a,b",target=/x y').map((mount) => mount.kind === 'bind' && mount.source), ['a,b']);
  });

  it('name the step whose files they show, which makes its stage needed', () => {
    const built = planBuild(outlineBuild(parseDockerfile('FROM scratch AS other\nCOPY a /a\nFROM scratch\nRUN --mount=from=other,target=/x --mount=type=tmpfs,target=/t y'), options), new Map(), options);
    const run = [...built.steps.values()].find(({ op }) => op.kind === 'run');
    assert.equal(built.steps.get(run?.mounts?.[0] ?? '')?.op.kind, 'copy');
    assert.equal(run?.mounts?.[1], undefined);
  });

  it('a document with an interpreter of its own is a program that only this step sees', () => {
    assert.deepEqual(mounts('RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF'), [{ kind: 'script', target: '/dev/pipes/EOF', content: '#!/usr/bin/env python3\nprint(1)\n' }]);
  });
});
