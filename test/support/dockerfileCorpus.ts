import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseDockerfile } from '../../engine/build/dockerfile/parse.ts';
import type { BuildPlan, Op, PlanOptions, RunMount } from '../../engine/build/plan/graph.ts';
import { outlineBuild } from '../../engine/build/plan/outline.ts';
import { planBuild } from '../../engine/build/plan/planBuild.ts';
import type { BaseImage } from '../../engine/build/ports.ts';
import { asBerthError } from '../../engine/base/errors.ts';
import type { RunConfig } from '../../engine/content/oci.ts';

/** Where the corpus is: `*.txt`, each with cases as `parseCases` reads them. */
export const corpusFolder = join(import.meta.dirname, '../fixtures/dockerfiles');

/** One Dockerfile and what is to become of it. */
export interface CorpusCase {
  readonly name: string;
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  /** The context: contents by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Archives of the context: their files by path. */
  readonly archives: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Paths of the image that are looked at. */
  readonly tree: readonly string[];
  /** Docker's own builder is to make the same of it. */
  readonly docker: boolean;
  /** What the build says at its end, although the plan is good: a regular expression. */
  readonly fails: string | undefined;
  /** What the plan is: its configuration and steps, or its error. Lines of `describePlan`. */
  readonly expected: readonly string[];
  /** What is in `tree`: lines of `describeTree`. */
  readonly expectedTree: readonly string[];
}

export function readCorpus(): ReadonlyMap<string, readonly CorpusCase[]> {
  return new Map(readdirSync(corpusFolder).filter((name) => name.endsWith('.txt')).sort().map((name) => [name, parseCases(readFileSync(join(corpusFolder, name), 'utf8'))]));
}

/**
 * Cases begin with `=== name`; the Dockerfile's lines follow, then `--- key value` lines (args, target, files, archive, tree as JSON; docker, crlf, fails) and,
 * behind `> ` and `>> `, what is expected.
 */
export function parseCases(text: string): CorpusCase[] {
  return text.split(/^=== /m).slice(1).map((part) => {
    const [name = '', ...lines] = part.replace(/\n$/, '').split('\n');
    const settings = lines.filter((line) => line.startsWith('--- ')).map((line) => /^--- (\S+) ?(.*)$/.exec(line)).map((match) => [match?.[1] ?? '', match?.[2] ?? ''] as const);
    const value = (key: string): string | undefined => settings.find(([one]) => one === key)?.[1];
    const json = (key: string): unknown => JSON.parse(value(key) ?? 'null');
    const code = lines.filter((line) => !/^(--- |>>? )/.test(line)).join(value('crlf') === undefined ? '\n' : '\r\n');
    const archives = settings.filter(([key]) => key === 'archive').map(([, one]) => [one.slice(0, one.indexOf(' ')), JSON.parse(one.slice(one.indexOf(' ') + 1)) as Record<string, string>] as const);
    return {
      name,
      dockerfile: code,
      args: (json('args') ?? {}) as Record<string, string>,
      target: value('target'),
      files: (json('files') ?? {}) as Record<string, string>,
      archives: Object.fromEntries(archives),
      tree: (json('tree') ?? []) as string[],
      docker: value('docker') !== undefined,
      fails: value('fails'),
      expected: lines.filter((line) => line.startsWith('> ')).map((line) => line.slice(2)),
      expectedTree: lines.filter((line) => line.startsWith('>> ')).map((line) => line.slice(3)),
    };
  });
}

const platform = { os: 'linux', architecture: 'amd64' };
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const bases: Readonly<Record<string, RunConfig>> = { trigger: { Env: [PATH], OnBuild: ['COPY . /app', 'RUN make'] } };
const debian: RunConfig = { Env: [PATH], Cmd: ['bash'] };

/** What a case's plan is, a line for each thing: settings that the base does not have, steps in their order, warnings; or the one error. */
export function describePlan({ dockerfile, args, target }: CorpusCase): string[] {
  const options: PlanOptions = { buildArgs: args, labels: {}, network: 'default', platform, ...(target === undefined ? {} : { target }) };
  try {
    const outline = outlineBuild(parseDockerfile(dockerfile), options);
    const plan = planBuild(outline, new Map([...outline.images.keys()].map((ref) => [ref, baseImage(ref)])), options);
    return [...describeConfig(plan.config), ...(plan.author === undefined ? [] : [`Author ${plan.author}`]), ...describeSteps(plan), ...plan.warnings.map((warning) => `warning ${warning}`)];
  } catch (error) {
    const { code, message } = asBerthError(error);
    return [`${code} ${message}`];
  }
}

function baseImage(name: string): BaseImage {
  const diffId = `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}`;
  return { id: diffId, layers: [{ diffId, snapshotId: name }], config: { ...platform, config: bases[name] ?? debian, rootfs: { type: 'layers', diff_ids: [diffId] } } };
}

function describeConfig(config: RunConfig): string[] {
  const base: Readonly<Record<string, unknown>> = { ...debian };
  return Object.entries(config).flatMap(([key, value]) => {
    if (JSON.stringify(value) === JSON.stringify(base[key])) return [];
    return key === 'Env' && Array.isArray(value) ? [`Env ${value.filter((entry) => entry !== PATH).join(' | ')}`] : [`${key} ${JSON.stringify(value)}`];
  }).concat(config.Cmd === undefined ? ['no Cmd'] : []);
}

function describeSteps(plan: BuildPlan): string[] {
  const numbers = new Map([...plan.steps.keys()].map((id, index) => [id, index + 1]));
  return [...plan.steps.values()].map(({ op, parent, from, mounts }) => {
    const inputs = [parent, from, ...(mounts ?? [])].flatMap((id) => (id === undefined ? [] : [numbers.get(id) ?? 0]));
    return `${describeOp(op)}${inputs.length > 0 ? ` <- ${inputs.join(' ')}` : ''}`;
  });
}

function describeOp(op: Op): string {
  switch (op.kind) {
    case 'source':
      return `source ${op.ref}`;
    case 'workdir':
      return `workdir ${op.path}${op.owner === '' ? '' : ` of ${op.owner}`}`;
    case 'copy': {
      const { sources, inline, dest, kind: _kind, ...more } = op;
      return `copy ${[...sources, ...inline.map(({ name, content }) => `<<${name} ${JSON.stringify(content)}`)].join(' ')} -> ${dest}${JSON.stringify(more) === '{"unpack":false}' ? '' : ` ${JSON.stringify(more)}`}`;
    }
    case 'run': {
      const env = [...op.env.filter((entry) => entry !== PATH), ...op.hiddenEnv.map((entry) => `(${entry})`)];
      const more = [...(op.cwd === '/' ? [] : [`in ${op.cwd}`]), ...(op.user === '' ? [] : [`as ${op.user}`]), ...(op.network === 'default' ? [] : [`network ${op.network}`]), ...(env.length > 0 ? [`env ${env.join(' ')}`] : []), ...op.mounts.map(describeMount)];
      return `run ${JSON.stringify(op.args)}${more.map((one) => ` ${one}`).join('')}`;
    }
  }
}

function describeMount({ kind, ...more }: RunMount): string {
  return `${kind} ${JSON.stringify(more)}`;
}
