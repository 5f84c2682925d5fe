import assert from 'node:assert/strict';
import { parsePlatform, fitsPlatform, formatPlatform, hostPlatform } from '../../../engine/base/platform.ts';
import { parseDockerfile } from '../../../engine/build/dockerfile/parse.ts';
import type { BuildPlan, PlanOptions } from '../../../engine/build/plan/graph.ts';
import { outlineBuild } from '../../../engine/build/plan/outline.ts';
import type { Outline } from '../../../engine/build/plan/outline.ts';
import { planBuild } from '../../../engine/build/plan/planBuild.ts';
import type { BaseImage } from '../../../engine/build/ports.ts';
import { ContextInputs } from '../../../engine/build/solve/contextInputs.ts';
import { Definitions } from '../../../engine/build/solve/definitions.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };

/** A build on an amd64 host; every image is for what it is asked for, else for amd64. */
function plan(text: string, options: Partial<PlanOptions> = {}): { outline: Outline; plan: BuildPlan } {
  const all: PlanOptions = { buildArgs: {}, labels: {}, network: 'default', platform: amd64, buildPlatform: amd64, ...options };
  const outline = outlineBuild(parseDockerfile(text), all);
  const images = [...outline.images].map(([key, { platform = amd64 }]): [string, BaseImage] => {
    const diffId = `sha256:${Buffer.from(key).toString('hex').padEnd(64, '0').slice(0, 64)}`;
    return [key, { id: diffId, layers: [{ diffId, snapshotId: key }], config: { ...platform, rootfs: { type: 'layers', diff_ids: [diffId] } } }];
  });
  return { outline, plan: planBuild(outline, new Map(images), all) };
}

const runs = ({ steps }: BuildPlan): Array<string | undefined> => [...steps.values()].flatMap(({ op }) => (op.kind === 'run' ? [`${op.args.at(-1)}${op.platform ? ` for ${formatPlatform(op.platform)}` : ''}`] : []));

describe('platforms of a build', () => {
  it('are read in every notation, and compared without what says nothing', () => {
    const table = [['arm64', 'linux/arm64'], ['linux/arm64/v8', 'linux/arm64'], ['aarch64', 'linux/arm64'], ['x86_64', 'linux/amd64'], ['linux/arm', 'linux/arm/v7'], ['arm/v6', 'linux/arm/v6'], ['armhf', 'linux/arm/v7'], ['linux/amd64/v3', 'linux/amd64/v3']] as const;
    for (const [text, expected] of table) assert.equal(formatPlatform(parsePlatform(text) ?? assert.fail(text)), expected, text);
    for (const text of ['', 'linux', 'windows/amd64', 'linux/mine', 'linux/arm64/v8/x', 'a b']) assert.equal(parsePlatform(text), undefined, text);
    assert.ok(fitsPlatform({ os: 'linux', architecture: 'arm64', variant: 'v8' }, arm64));
    assert.ok(!fitsPlatform({ os: 'linux', architecture: 'arm', variant: 'v6' }, { os: 'linux', architecture: 'arm', variant: 'v7' }));
  });

  it('give TARGET… and BUILD… their values', () => {
    const { config } = plan('ARG TARGETARCH\nFROM a\nARG TARGETPLATFORM\nARG TARGETARCH\nARG TARGETVARIANT\nARG BUILDPLATFORM\nLABEL v="$TARGETPLATFORM $TARGETARCH [$TARGETVARIANT] $BUILDPLATFORM"\n', { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }).plan;
    assert.deepEqual(config.Labels, { v: 'linux/arm/v7 arm [v7] linux/amd64' });
  });

  it('a cross-building stage runs on the build platform, the result is for the target', () => {
    const cross = 'FROM --platform=$BUILDPLATFORM tools AS make\nARG TARGETARCH\nRUN make $TARGETARCH\nFROM base\nCOPY --from=make /out /out\n';
    const { outline, plan: made } = plan(cross, { platform: arm64, platformAsked: true });
    assert.deepEqual([...outline.images.keys()], ['base for linux/arm64', 'tools for linux/amd64']);
    assert.deepEqual(runs(made), ['make $TARGETARCH']);
    assert.deepEqual(made.platform, arm64);
  });

  it('a RUN on another platform says so, also in stages upon stages, and is another step', () => {
    const text = 'FROM base AS one\nRUN a\nFROM one\nRUN b\n';
    assert.deepEqual(runs(plan(text, { platform: arm64, platformAsked: true }).plan), ['a for linux/arm64', 'b for linux/arm64']);
    assert.deepEqual(runs(plan(text).plan), ['a', 'b']);
    const scratch = 'FROM scratch\nRUN ["/x"]\n';
    assert.notEqual(plan(scratch).plan.target, plan(scratch, { platform: arm64, platformAsked: true }).plan.target);
    assert.deepEqual(runs(plan('FROM --platform=linux/386 base\nRUN a\n').plan), ['a for linux/386']);
  });

  it('count in keys of caches that leave the machine, whatever the machine is: what runs for another platform is never taken for it', async () => {
    const keyOf = async (text: string, options: Partial<PlanOptions> = {}): Promise<string | undefined> => {
      const { plan: made } = plan(text, options);
      return (await new Definitions(made, new ContextInputs({ root: '/', digest: () => Promise.resolve('') }, AbortSignal.timeout(60_000)), () => false).of(made.target))?.key;
    };
    const here = hostPlatform();
    const other = here.architecture === 'arm64' ? amd64 : arm64;
    const text = 'FROM scratch\nRUN ["/x"]\n';
    // As a machine that runs it by itself has it, and as one for which it is foreign would.
    const native = await keyOf(text, { platform: here, buildPlatform: here, platformAsked: true });
    const foreign = await keyOf(text, { platform: here, buildPlatform: other, platformAsked: true });
    assert.equal(foreign, native);
    assert.notEqual(await keyOf(text, { platform: other, buildPlatform: here, platformAsked: true }), native);
    const copies = 'FROM scratch\nWORKDIR /a\n';
    assert.equal(await keyOf(copies, { platform: other, buildPlatform: here, platformAsked: true }), await keyOf(copies, { platform: here, buildPlatform: here }));
  });

  it('the image is for what its base is when nothing was asked for', () => {
    assert.deepEqual(plan('FROM --platform=linux/arm64/v8 base\n').plan.platform, arm64);
    assert.deepEqual(plan('FROM scratch\n', { platform: arm64, platformAsked: true }).plan.platform, arm64);
  });
});

describe('named contexts in a plan', () => {
  const contexts = new Map([['lib', { kind: 'files' as const }], ['make', { kind: 'files' as const }], ['debian', { kind: 'image' as const, ref: 'mirror/debian:12' }]]);

  it('an image of that name is another image, whatever notation the Dockerfile has', () => {
    for (const name of ['debian', 'debian:latest', 'docker.io/library/debian']) assert.deepEqual([...plan(`FROM ${name}\n`, { contexts }).outline.images.values()].map(({ ref }) => ref), ['mirror/debian:12'], name);
    assert.deepEqual([...plan('FROM debian:12\n', { contexts }).outline.images.keys()], ['debian:12']);
  });

  it('a stage of that name is not made, nor what only it needs', () => {
    const { outline, plan: made } = plan('FROM far AS make\nRUN exit 1\nFROM scratch\nCOPY --from=make a /a\nCOPY --from=0 b /b\n', { contexts });
    assert.deepEqual([[...outline.images.keys()], [...outline.contexts], runs(made)], [[], ['make'], []]);
  });

  it('COPY and the mounts of RUN read its files in place', () => {
    const { plan: made } = plan('FROM other\nCOPY --from=lib a /a\nRUN --mount=from=lib,target=/l x\nCOPY --from=image a /b\n', { contexts });
    const ops = [...made.steps.values()].flatMap(({ op }) => (op.kind === 'copy' ? [op.context] : op.kind === 'run' ? op.mounts.map((mount) => (mount.kind === 'bind' ? mount.context : '')) : []));
    assert.deepEqual(ops, ['lib', 'lib', undefined]);
  });

  it('scratch is nothing, also to copy from', () => {
    assert.deepEqual([...plan('FROM other\nRUN --mount=type=cache,from=scratch,target=/c x\n', { contexts }).outline.images.keys()], ['other']);
  });

  it('the triggers of an image may need more images and contexts', () => {
    const options = { buildArgs: {}, labels: {}, network: 'default' as const, platform: amd64, contexts };
    const dockerfile = parseDockerfile('FROM base\n');
    assert.deepEqual([...outlineBuild(dockerfile, options).images.keys()], ['base']);
    const outline = outlineBuild(dockerfile, options, new Map([['base', ['COPY --from=tools /t /t', 'COPY --from=lib a /a', 'RUN make']]]));
    assert.deepEqual([[...outline.images.keys()], [...outline.contexts]], [['base', 'tools'], ['lib']]);
  });

  it('those that nothing needs are not named', () => {
    assert.deepEqual([...plan('FROM scratch\nCOPY a /a\n', { contexts }).outline.contexts], []);
  });
});
