import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BerthError } from '../../../engine/base/errors.ts';
import { parseDockerfile } from '../../../engine/build/dockerfile/parse.ts';
import type { BuildPlan, Op, PlanOptions, Step } from '../../../engine/build/plan/graph.ts';
import { outlineBuild } from '../../../engine/build/plan/outline.ts';
import { planBuild } from '../../../engine/build/plan/planBuild.ts';
import type { BaseImage } from '../../../engine/build/ports.ts';
import type { RunConfig } from '../../../engine/content/oci.ts';

const platform = { os: 'linux', architecture: 'amd64' };

function image(name: string, config: RunConfig = {}): BaseImage {
  const diffId = `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`;
  return { id: diffId, layers: [{ diffId, snapshotId: name }], config: { ...platform, config, rootfs: { type: 'layers', diff_ids: [diffId] } } };
}

function plan(text: string, options: Partial<PlanOptions> = {}, bases: Readonly<Record<string, RunConfig>> = {}): BuildPlan {
  const all: PlanOptions = { buildArgs: {}, labels: {}, network: 'default', platform, ...options };
  const outline = outlineBuild(parseDockerfile(text), all);
  return planBuild(outline, new Map([...outline.images.keys()].map((ref) => [ref, image(ref, bases[ref])])), all);
}

const steps = (built: BuildPlan): Step[] => [...built.steps.values()];
const ops = <K extends Op['kind']>(built: BuildPlan, kind: K): Array<Extract<Op, { kind: K }>> => steps(built).map((step) => step.op).filter((op): op is Extract<Op, { kind: K }> => op.kind === kind);
const runs = (built: BuildPlan): string[] => ops(built, 'run').map((op) => op.args.at(-1) ?? '');

describe('the plan of a build', () => {
  it('leaves out the stages that the target does not need, and their images', () => {
    const text = 'FROM a AS one\nRUN one\nFROM b AS two\nRUN two\nFROM c AS three\nRUN three\nFROM one\nCOPY --from=two /x /x\n';
    const built = plan(text);
    assert.deepEqual(runs(built), ['one', 'two']);
    assert.deepEqual(ops(built, 'source').map((op) => op.ref), ['a', 'b']);
    assert.equal(built.instructions.length, 6);
    assert.deepEqual(runs(plan(text, { target: 'three' })), ['three']);
    assert.deepEqual(runs(plan(text, { target: '1' })), ['two']);
  });

  it('says which stages there are when the target is none of them', () => {
    assert.throws(() => plan('FROM a AS one\nFROM b', { target: 'x' }), { code: 'BUILD_TARGET_NOT_FOUND', message: /Its stages are: one, 1/ });
  });

  it('gives its settings to every command: all but the addresses of hosts are part of what a command is', () => {
    const text = 'FROM a\nRUN x\nCOPY y /y\n';
    const idsOf = (settings?: PlanOptions['settings']): string[] => steps(plan(text, settings ? { settings } : {})).map(({ id }) => id);
    const host = (name: string, address: string): NonNullable<PlanOptions['settings']> => ({ hosts: [{ name, address }] });
    assert.deepEqual(ops(plan(text, { settings: host('h', '1.2.3.4') }), 'run')[0]?.settings, host('h', '1.2.3.4'));
    assert.deepEqual(idsOf(host('h', '1.2.3.4')), idsOf(host('h', 'host-gateway')));
    const different = [undefined, host('h', '::1'), host('i', '::1'), { shmSize: 1 }, { ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }] }].map((settings) => idsOf(settings)[1]);
    assert.equal(new Set(different).size, different.length);
  });

  it('lets stages that do not need each other run side by side', () => {
    const built = plan('FROM a AS x\nRUN x\nFROM a AS y\nRUN y\nFROM a\nCOPY --from=x /x /\nCOPY --from=y /y /\n');
    const source = steps(built).find((step) => step.op.kind === 'source')?.id;
    assert.deepEqual(steps(built).filter((step) => step.op.kind === 'run').map((step) => step.parent), [source, source]);
    assert.equal(ops(built, 'source').length, 1);
  });

  it('merges equal steps of different stages', () => {
    const built = plan('FROM a AS x\nRUN same\nFROM a AS y\nRUN same\nRUN more\nFROM a\nCOPY --from=x / /x/\nCOPY --from=y / /y/\n');
    assert.deepEqual(runs(built), ['same', 'more']);
    assert.equal(built.instructions.filter((instruction) => instruction.text === 'RUN same').length, 2);
  });

  it('marks the steps whose layers are in the image', () => {
    const built = plan('FROM a AS x\nRUN x\nFROM b\nRUN y\nCOPY --from=x / /x/\n');
    assert.deepEqual(steps(built).filter((step) => step.final).map((step) => step.op.kind), ['source', 'run', 'copy']);
  });

  const base = 'FROM a\nARG V=1\nENV E=1\nWORKDIR /w\nUSER u\nRUN make\n';
  const sameTarget: ReadonlyArray<readonly [string, string, Partial<PlanOptions>]> = [
    ['nothing changed', base, {}],
    ['only comments and blank lines changed', `# hi\n\n${base.replace('RUN', '\n# x\nRUN')}`, {}],
    ['the stage got a name', base.replace('FROM a', 'FROM a AS n'), {}],
    ['a proxy was given', base, { buildArgs: { http_proxy: 'http://p' } }],
    ['only metadata changed', base.replace('RUN', 'LABEL x=y\nCMD ["z"]\nEXPOSE 80\nRUN'), {}],
  ];
  for (const [what, text, options] of sameTarget) it(`keeps its keys when ${what}`, () => assert.equal(plan(text, options).target, plan(base).target));

  const otherTarget: ReadonlyArray<readonly [string, string, Partial<PlanOptions>]> = [
    ['the command changed', base.replace('make', 'make x'), {}],
    ['the environment changed', base.replace('E=1', 'E=2'), {}],
    ['a build argument changed', base, { buildArgs: { V: '2' } }],
    ['the user changed', base.replace('USER u', 'USER v'), {}],
    ['the working folder changed', base.replace('/w', '/v'), {}],
    ['the base changed', base.replace('FROM a', 'FROM b'), {}],
    ['the shell changed', base.replace('RUN', 'SHELL ["bash", "-c"]\nRUN'), {}],
    ['the network changed', base, { network: 'none' }],
  ];
  for (const [what, text, options] of otherTarget) it(`changes its keys when ${what}`, () => assert.notEqual(plan(text, options).target, plan(base).target));

  it('scopes arguments: global ones for FROM, in a stage once declared, ENV before ARG, inherited by a stage on it', () => {
    const text = 'ARG V=1\nARG W=w\nFROM img:$V AS x\nRUN [${V}]\nARG V\nARG L=l-$V\nENV W=env\nARG W\nENV OUT=$V-$L-$W\nFROM x\nENV AGAIN=$L$W\n';
    const built = plan(text, { buildArgs: { V: '2' } });
    assert.deepEqual(ops(built, 'source').map((op) => op.ref), ['img:2']);
    assert.deepEqual(built.config.Env?.filter((entry) => /^(OUT|AGAIN)/.test(entry)), ['OUT=2-l-2-env', 'AGAIN=l-2env']);
    assert.deepEqual(ops(built, 'run')[0]?.env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
  });

  it('gives declared arguments to RUN unless ENV has the same name', () => {
    const built = plan('FROM a\nARG A=1 B=2\nENV B=env\nARG TARGETARCH\nRUN x', { buildArgs: { HTTPS_PROXY: 'p' } });
    const [run] = ops(built, 'run');
    assert.deepEqual(run?.env.slice(1), ['B=env', 'A=1', 'TARGETARCH=amd64']);
    assert.deepEqual(run?.hiddenEnv, ['HTTPS_PROXY=p']);
    assert.match(built.history[2]?.createdBy ?? '', /^ARG TARGETARCH/);
    assert.equal(built.history[3]?.createdBy, 'RUN |2 A=1 TARGETARCH=amd64 /bin/sh -c x');
  });

  it('warns of arguments that nothing declares', () => {
    assert.deepEqual(plan('FROM a', { buildArgs: { x: '1', no_proxy: '*', SOURCE_DATE_EPOCH: '7' } }).warnings, ['One or more build-args [x] were not consumed']);
    assert.equal(plan('FROM a', { buildArgs: { SOURCE_DATE_EPOCH: '7' } }).epoch, 7);
  });

  it('gives ENV of one line the values from before it', () => {
    assert.deepEqual(plan('FROM a\nENV x=1\nENV x=2 y=$x').config.Env?.slice(1), ['x=2', 'y=1']);
  });

  it('makes the configuration as Docker does', () => {
    const text = 'FROM a\nEXPOSE 80 90-91/udp\nLABEL k="v w"\nVOLUME /d ["x"]\nSTOPSIGNAL SIGINT\nUSER u:g\nWORKDIR /a\nWORKDIR b\nENTRYPOINT ["e"]\nCMD c d\nHEALTHCHECK --interval=1m30s --retries=2 CMD true\nMAINTAINER me\n';
    const { config, author } = plan(text, { labels: { z: '1' } }, { a: { Cmd: ['old'], Env: ['PATH=/p'], Labels: { base: 'b' } } });
    assert.deepEqual(config.ExposedPorts, { '80/tcp': {}, '90/udp': {}, '91/udp': {} });
    assert.deepEqual(config.Labels, { base: 'b', k: 'v w', z: '1' });
    assert.deepEqual([config.StopSignal, config.User, config.WorkingDir, config.Entrypoint, config.Cmd, config.Env, author], ['SIGINT', 'u:g', '/a/b', ['e'], ['/bin/sh', '-c', 'c d'], ['PATH=/p'], 'me']);
    assert.deepEqual(config.Healthcheck, { Test: ['CMD-SHELL', 'true'], Interval: 90e9, Retries: 2 });
  });

  it("drops the base's CMD when the Dockerfile sets an entry point of its own", () => {
    assert.equal(plan('FROM a\nENTRYPOINT ["e"]', {}, { a: { Cmd: ['old'] } }).config.Cmd, undefined);
    assert.deepEqual(plan('FROM a\nUSER x', {}, { a: { Cmd: ['old'] } }).config.Cmd, ['old']);
  });

  it("runs the base's triggers right behind FROM, once", () => {
    const built = plan('FROM a\nRUN mine', {}, { a: { OnBuild: ['RUN theirs', 'ENV T=1'] } });
    assert.deepEqual(runs(built), ['theirs', 'mine']);
    assert.equal(built.config.OnBuild, undefined);
    assert.deepEqual(plan('FROM a\nONBUILD RUN x').config.OnBuild, ['RUN x']);
  });

  it('finds the source of COPY --from by name, by number, and as an image', () => {
    const built = plan('FROM a AS x\nRUN x\nFROM b\nCOPY --from=X /1 /\nCOPY --from=0 /2 /\nCOPY --from=other:1 /3 /\n');
    const from = steps(built).filter((step) => step.op.kind === 'copy').map((step) => built.steps.get(step.from ?? '')?.op);
    assert.deepEqual(from.map((op) => (op?.kind === 'source' ? op.ref : op?.kind)), ['run', 'run', 'other:1']);
  });

  const refused: ReadonlyArray<readonly [string, string, string, number, number]> = [
    ['a platform that is none', 'FROM --platform=linux/mine a', 'DOCKERFILE_SYNTAX', 1, 17],
    ['a base without a name', 'FROM $NONE', 'DOCKERFILE_SYNTAX', 1, 6],
    ['a broken variable', 'FROM a\nENV x=1 y=${z', 'DOCKERFILE_SYNTAX', 2, 11],
    ['two sources for one file', 'FROM a\nCOPY a b c', 'DOCKERFILE_SYNTAX', 2, 10],
    ['a bad mode', 'FROM a\nCOPY --chmod=9 a b', 'DOCKERFILE_SYNTAX', 2, 14],
    ['a checksum without a URL', 'FROM a\nADD --checksum=sha256:00 x b', 'DOCKERFILE_SYNTAX', 2, 16],
    ['a bad symbolic mode', 'FROM a\nCOPY --chmod=u+q a b', 'DOCKERFILE_SYNTAX', 2, 14],
    ['a bad port', 'FROM a\nEXPOSE 80 x', 'DOCKERFILE_SYNTAX', 2, 11],
    ['a bad signal', 'FROM a\nSTOPSIGNAL -1', 'DOCKERFILE_SYNTAX', 2, 12],
  ];
  for (const [what, text, code, line, column] of refused) {
    it(`refuses ${what} with its place`, () => {
      assert.throws(() => plan(text), (error: { code: string; params: Record<string, unknown> }) => {
        assert.deepEqual([error.code, error.params['line'], error.params['column']], [code, line, column]);
        return true;
      });
    });
  }

  it('is made, or refused with a coded error that has a place, whatever the Dockerfile says', () => {
    const words = ['a', 'b=c', '"q r"', '$x', '${y:-z}', '${', "'", '\\', '/', './', '/p/', '*', '--from=0', '--from=s', '--chown=u:g', '--chmod=755', '["j", "k"]', '80', '8000-8010/udp', 'CMD', 'NONE', 'RUN', 'AS', 's', '<<E\nt $x\nE'];
    const keywords = ['RUN', 'COPY', 'ADD', 'ENV', 'ARG', 'LABEL', 'HEALTHCHECK', 'ONBUILD', 'SHELL', 'VOLUME', 'EXPOSE', 'USER', 'WORKDIR', 'ENTRYPOINT', 'CMD', 'STOPSIGNAL', 'MAINTAINER', 'FROM base AS s\nARG', 'FROM s\nENV'];
    const line = fc.tuple(fc.constantFrom(...keywords), fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 5 })).map(([keyword, parts]) => `${keyword} ${parts.join(' ')}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          const built = plan(`ARG x=1\nFROM base\n${lines.join('\n')}\n`);
          assert.ok(built.steps.has(built.target));
          for (const step of built.steps.values()) assert.ok((step.parent === undefined || built.steps.has(step.parent)) && (step.from === undefined || built.steps.has(step.from)));
        } catch (error) {
          assert.ok(error instanceof BerthError, String(error));
          assert.ok(Number(error.params['line']) >= 1 && Number(error.params['column']) >= 1, error.message);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
