import assert from 'node:assert/strict';
import { IgnoreRules } from '../../../engine/base/dockerIgnore.ts';
import { checkDockerfile } from '../../../engine/build/check/checkDockerfile.ts';
import type { CheckReport } from '../../../engine/build/check/checkDockerfile.ts';
import { missingVariables } from '../../../engine/build/check/missingVariables.ts';
import { refuseErrors, warningEvent } from '../../../engine/build/check/tell.ts';
import { parseDockerfile } from '../../../engine/build/dockerfile/parse.ts';
import type { PlanOptions } from '../../../engine/build/plan/graph.ts';
import { outlineBuild } from '../../../engine/build/plan/outline.ts';
import type { BaseImage, BuildImages } from '../../../engine/build/ports.ts';
import { noSuchImage } from '../../../engine/images/errors.ts';
import { formatWarnings } from '../../../engine/cli/output/buildWarnings.ts';

const platform = { os: 'linux', architecture: 'amd64' };
/** `here` is on this machine and sets HERE; every other image is not. */
const here: BaseImage = { id: 'sha256:1', layers: [], config: { ...platform, config: { Env: ['HERE=1'], WorkingDir: '/srv' }, rootfs: { type: 'layers', diff_ids: [] } } };
const images: BuildImages = {
  resolve: (ref) => {
    if (ref === 'here') return here;
    throw noSuchImage({ ref });
  },
  obtain: () => Promise.reject(new Error('a check obtains nothing')),
  addImage: () => Promise.reject(new Error('a check makes nothing')),
  readConfig: () => Promise.reject(new Error('a check reads no configuration')),
  tag: () => undefined,
  fromLayout: () => Promise.reject(new Error('a check loads nothing')),
  addIndex: () => Promise.reject(new Error('a check makes nothing')),
  discardIndex: () => Promise.resolve(),
  sbom: () => Promise.reject(new Error('a check looks at no files')),
};

async function report(text: string, more: { readonly buildArgs?: Record<string, string>; readonly ignore?: string } = {}): Promise<CheckReport> {
  const dockerfile = parseDockerfile(text);
  const options: PlanOptions = { buildArgs: more.buildArgs ?? {}, labels: {}, network: 'default', platform };
  const missing = await missingVariables(outlineBuild(dockerfile, options), images, options);
  return checkDockerfile({ dockerfile, text, options, missing, ...(more.ignore === undefined ? {} : { ignore: new IgnoreRules(more.ignore) }) });
}

/** `Rule line:column`, in the order of the file. */
async function found(text: string, more: Parameters<typeof report>[1] = {}): Promise<string[]> {
  return (await report(text, more)).warnings.map(({ rule, place }) => `${rule} ${place.line}:${place.column}`);
}

const cases: ReadonlyArray<readonly [text: string, ...expected: string[]]> = [
  ['FROM here AS Build', 'StageNameCasing 1:14'],
  ['FROM here AS build'],
  ['FROM here as build', 'FromAsCasing 1:11'],
  ['from here as build'],
  ['FROM here AS a\nFROM here AS a', 'DuplicateStageName 2:14'],
  ['FROM here AS scratch\nFROM scratch AS context', 'ReservedStageName 1:14', 'ReservedStageName 2:17'],
  ['FROM here\nRUN a \\\n\n\n  && b \\\n\n  && c', 'NoEmptyContinuation 3:1'],
  ['FROM here\nRUN a \\\n  # a comment\n  && b'],
  ['FROM here\nrun a\nUSER x', 'ConsistentInstructionCasing 2:1'],
  ['from here\nrun a\nUSER x', 'ConsistentInstructionCasing 3:1'],
  ['From here', 'ConsistentInstructionCasing 1:1'],
  ['FROM here\nCMD run it', 'JSONArgsRecommended 2:1'],
  ['FROM here\nENTRYPOINT run it', 'JSONArgsRecommended 2:1'],
  ['FROM here\nSHELL ["bash", "-c"]\nCMD run it'],
  ['FROM here\nCMD ["run", "it"]'],
  ['FROM here\nMAINTAINER me', 'MaintainerDeprecated 2:1'],
  ['FROM here:$TAG', 'InvalidDefaultArgInFrom 1:6', 'UndefinedArgInFrom 1:11'],
  ['ARG TAG\nFROM here:${TAG}', 'InvalidDefaultArgInFrom 2:6'],
  ['ARG TAG=1\nFROM here:$TAG'],
  ['ARG TAG\nFROM here:${TAG:-1}'],
  ['ARG BASE=\nFROM ${BASE:-here}'],
  ['FROM --platform=$BUILDPLATFORM here'],
  ['FROM --platform=$TARGETPLATFORM here', 'RedundantTargetPlatform 1:17'],
  ['FROM --platform=linux/amd64 here', 'FromPlatformFlagConstDisallowed 1:17'],
  ['FROM here\nWORKDIR app', 'WorkdirRelativePath 2:9'],
  ['FROM here\nWORKDIR /srv\nWORKDIR app'],
  ['FROM here\nENV A=1\nWORKDIR $A'],
  ['FROM here\nCOPY $A$HERE /', 'UndefinedVar 2:6'],
  ['FROM here\nCOPY ${A:-1} ${B:+2} /'],
  ['FROM here\nENV A=1\nUSER $A'],
  ['FROM here\nARG A\nLABEL a=$A'],
  ['FROM here\nARG TARGETARCH\nLABEL a=$TARGETARCH b="$TARGETOS"', 'UndefinedVar 3:24'],
  ['FROM here\nRUN echo $A'],
  ['FROM elsewhere\nCOPY $A /'],
  ['FROM elsewhere AS one\nFROM one\nCOPY $A /'],
  ['FROM scratch\nCOPY $A /', 'UndefinedVar 2:6'],
  ['FROM here\nENV PATH=$PATH:/x'],
  ['FROM here\nCMD ["a"]\nCMD ["b"]\nENTRYPOINT ["c"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD d', 'MultipleInstructionsDisallowed 2:1', 'MultipleInstructionsDisallowed 5:1'],
  ['FROM here AS a\nCMD ["a"]\nFROM a\nCMD ["b"]'],
  ['FROM here\nENV a b\nLABEL c d e', 'LegacyKeyValueFormat 2:1', 'LegacyKeyValueFormat 3:1'],
  ['FROM here\nENV a=b "c"=d'],
  ['FROM here\nENV AWS_SECRET_KEY=x\nARG TOKEN\nARG A=1 password=2', 'SecretsUsedInArgOrEnv 2:5', 'SecretsUsedInArgOrEnv 3:5', 'SecretsUsedInArgOrEnv 4:9'],
  ['FROM here\nENV PUBLIC_KEY=x KEYBOARD=y'],
  ['FROM here\nEXPOSE 80/TCP 81', 'ExposeProtoCasing 2:8'],
  ['FROM here\nEXPOSE 127.0.0.1:80:80 [::1]:80:81 82:83', 'ExposeInvalidFormat 2:8', 'ExposeInvalidFormat 2:24', 'ExposeInvalidFormat 2:36'],
  ['# check=experimental=all\n# a comment\nFROM here AS base\n# base is more\nFROM base AS base2', 'InvalidDefinitionDescription 2:1', 'InvalidDefinitionDescription 4:1'],
  ['# a comment\nFROM here AS base'],
  ['# check=experimental=InvalidDefinitionDescription\n# V version\nARG V=1\n\n# what it is\n\nFROM here AS base'],
  ['# check=skip=StageNameCasing,FromAsCasing\nFROM here as Base\nMAINTAINER me', 'MaintainerDeprecated 3:1'],
  ['# check=skip=all\nFROM here as Base'],
];

describe('the check of a Dockerfile', () => {
  for (const [text, ...expected] of cases) it(`finds ${expected.map((line) => line.split(' ')[0]).join(', ') || 'nothing'} in ${JSON.stringify(text)}`, async () => assert.deepEqual(await found(text), expected));

  it('knows what .dockerignore leaves out', async () => {
    const text = 'FROM here\nCOPY a.log ./tmp/ b /x/\nADD *.log https://x/a.log tmp/keep /x/\nCOPY --from=other a.log /\n';
    assert.deepEqual(await found(text, { ignore: '*.log\ntmp\n!tmp/keep\n' }), ['CopyIgnoredFile 2:6', 'CopyIgnoredFile 2:12']);
  });

  it('takes the build arguments that are given', async () => {
    assert.deepEqual(await found('ARG TAG\nFROM here\nARG A\nUSER $A', { buildArgs: { A: 'x' } }), []);
  });

  it('suggests the name that was meant, and nothing far-fetched', async () => {
    assert.match((await report('FROM here\nENV VERSION=1\nLABEL a=$VERSON')).warnings[0]?.detail ?? '', /'\$VERSON' \(did you mean \$VERSION\?\)$/);
    assert.match((await report('FROM here\nLABEL a=$ZZZZZZ')).warnings[0]?.detail ?? '', /'\$ZZZZZZ'$/);
    assert.match((await report('ARG VERSION=1\nFROM here:$VERSIONS')).warnings.at(-1)?.detail ?? '', /not declared \(did you mean VERSION\?\)$/);
  });

  it('is an error where the file says so', async () => {
    const strict = await report('# check=error=true\nFROM here AS A\nFROM here AS B');
    assert.throws(() => refuseErrors(strict), { code: 'DOCKERFILE_CHECK_FAILED', message: /^Dockerfile:2:14: StageNameCasing: .* \(and 1 more\)/ });
    refuseErrors(await report('# check=error=true\nFROM here AS a'));
    refuseErrors(await report('FROM here AS A'));
  });

  for (const directive of ['skip', 'skip=Nothing', 'error=yes', 'other=1']) it(`refuses "check=${directive}"`, () => assert.rejects(report(`# check=${directive}\nFROM here`), { code: 'DOCKERFILE_SYNTAX' }));

  it('is told with the lines around it', async () => {
    const text = '# one\n# two\n# three\nFROM here AS Build\nUSER x\nUSER y\nUSER z';
    const [warning] = (await report(text)).warnings;
    assert.ok(warning);
    const event = warningEvent(warning, text);
    assert.ok(event.type === 'warning');
    assert.equal(
      formatWarnings([event]),
      `Check complete, 1 warning has been found!\n\nWARNING: StageNameCasing - Names of stages are in lower case\nStage name 'Build' should be lowercase\nDockerfile:4:14\n${'-'.repeat(20)}\n 2 |     # two\n 3 |     # three\n 4 | >>> FROM here AS Build\n 5 |     USER x\n 6 |     USER y\n${'-'.repeat(20)}\n`,
    );
    assert.equal(formatWarnings([]), 'Check complete, no warnings found.\n');
  });
});
