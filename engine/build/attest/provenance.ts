import { Buffer } from 'node:buffer';
import { formatPlatform } from '../../base/platform.ts';
import type { Platform } from '../../base/platform.ts';
import { namesSecret } from '../check/instructionRules.ts';
import type { BuildPlan, CommandSettings, Op } from '../plan/graph.ts';
import type { Predicate } from '../ports.ts';
import type { ProvenanceRequest } from './request.ts';

/** BuildKit's names, so that its readers find what they look for. */
const BUILD_TYPE = 'https://mobyproject.org/buildkit@v1';
const DEFINITIONS = 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md';

/** What is known of a build when it is over. */
export interface ProvenanceFacts {
  readonly plan: BuildPlan;
  readonly dockerfile: { readonly name: string; readonly text: string };
  /** Where the context came from, if not from a folder. */
  readonly source?: Material;
  readonly bases: readonly Material[];
  readonly target?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly settings?: CommandSettings;
  readonly contexts: readonly string[];
  /** Their ids. */
  readonly secrets: readonly string[];
  readonly sshAgents: readonly string[];
  /** What must not be read anywhere in it. */
  readonly hidden: readonly string[];
  readonly platform: Platform;
  readonly buildPlatform: Platform;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly finished: number;
}

export interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** How an image came to be, as an in-toto predicate. Pure; with SOURCE_DATE_EPOCH the same inputs make the same bytes. */
export function provenance(facts: ProvenanceFacts, request: ProvenanceRequest): Predicate {
  const document = request.version === 'v1' ? slsa1(facts, request) : slsa02(facts, request);
  return { predicateType: request.version === 'v1' ? 'https://slsa.dev/provenance/v1' : 'https://slsa.dev/provenance/v0.2', predicate: withoutHidden(document, hiddenTexts(facts)) };
}

function slsa02(facts: ProvenanceFacts, { mode, builderId = '' }: ProvenanceRequest): object {
  return {
    builder: { id: builderId },
    buildType: BUILD_TYPE,
    materials: materials(facts),
    invocation: { configSource: configSource(facts, 'entryPoint'), parameters: parameters(facts, mode), environment: { platform: formatPlatform(facts.buildPlatform) } },
    ...(mode === 'max' ? { buildConfig: { llbDefinition: definition(facts.plan) } } : {}),
    metadata: {
      ...times(facts, 'buildStartedOn', 'buildFinishedOn'),
      completeness: { parameters: mode === 'max', environment: true, materials: hasAllMaterials(facts) },
      reproducible: false,
      [`${BUILD_TYPE}#hermetic`]: isHermetic(facts.plan),
      ...(mode === 'max' ? { [`${BUILD_TYPE}#metadata`]: sourceInfos(facts) } : {}),
    },
  };
}

function slsa1(facts: ProvenanceFacts, { mode, builderId = '' }: ProvenanceRequest): object {
  return {
    buildDefinition: {
      buildType: DEFINITIONS,
      externalParameters: { configSource: configSource(facts, 'path'), request: parameters(facts, mode) },
      internalParameters: { builderPlatform: formatPlatform(facts.buildPlatform), ...(mode === 'max' ? { buildConfig: { llbDefinition: definition(facts.plan) } } : {}) },
      resolvedDependencies: materials(facts),
    },
    runDetails: {
      builder: { id: builderId },
      metadata: {
        ...times(facts, 'startedOn', 'finishedOn'),
        buildkit_completeness: { request: mode === 'max', resolvedDependencies: hasAllMaterials(facts) },
        buildkit_hermetic: isHermetic(facts.plan),
        ...(mode === 'max' ? { buildkit_metadata: sourceInfos(facts) } : {}),
      },
    },
  };
}

/** With a time for everything, that is the build's too. */
function times({ plan: { epoch }, started, finished }: ProvenanceFacts, from: string, to: string): Record<string, string> {
  const text = (milliseconds: number): string => new Date(milliseconds).toISOString();
  return epoch === undefined ? { [from]: text(started), [to]: text(finished) } : { [from]: text(epoch * 1000), [to]: text(epoch * 1000) };
}

function sourceMaterial({ uri, digest }: Material): Material {
  return { uri: withoutUser(uri), digest };
}

function configSource({ source, dockerfile }: ProvenanceFacts, path: string): object {
  return { ...(source ? sourceMaterial(source) : {}), [path]: dockerfile.name };
}

/** `min` tells what was built, not with which values. */
function parameters(facts: ProvenanceFacts, mode: 'min' | 'max'): object {
  const { target, buildArgs, labels, contexts, secrets, sshAgents, source } = facts;
  const values = mode === 'min' ? [] : [...Object.entries(buildArgs).map(([name, value]) => [`build-arg:${name}`, value]), ...Object.entries(labels).map(([name, value]) => [`label:${name}`, value]), ...settingsOf(facts)];
  const args = Object.fromEntries([...(target === undefined ? [] : [['target', target]]), ...values]) as Record<string, string>;
  const locals = source ? [] : ['context', 'dockerfile', ...contexts].map((name) => ({ name }));
  const ids = (list: readonly string[]): object[] => list.map((id) => ({ id, optional: true }));
  return {
    frontend: 'dockerfile.v0',
    ...(Object.keys(args).length > 0 ? { args } : {}),
    ...(locals.length > 0 ? { locals } : {}),
    ...(mode === 'max' && secrets.length > 0 ? { secrets: ids(secrets) } : {}),
    ...(mode === 'max' && sshAgents.length > 0 ? { ssh: ids(sshAgents) } : {}),
  };
}

/** By the names, and in the form, that BuildKit's clients give them. */
function settingsOf({ settings: { hosts, shmSize, ulimits } = {} }: ProvenanceFacts): string[][] {
  return [
    ...(hosts ? [['add-hosts', hosts.map(({ name, address }) => `${name}=${address}`).join(',')]] : []),
    ...(shmSize === undefined ? [] : [['shm-size', String(shmSize)]]),
    ...(ulimits ? [['ulimit', ulimits.map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(',')]] : []),
  ];
}

function materials({ bases, source, plan }: ProvenanceFacts): Material[] {
  const remotes = [...plan.steps.values()].flatMap(({ op }) => (op.kind === 'copy' ? (op.remotes ?? []) : []));
  const known = remotes.flatMap(({ url, checksum, kind }): Material[] => {
    const [algorithm = '', hex] = (checksum ?? '').includes(':') ? (checksum ?? '').split(':') : [kind === 'git' ? 'sha1' : 'sha256', checksum];
    return hex === undefined ? [] : [{ uri: withoutUser(url), digest: { [algorithm]: hex } }];
  });
  return [...(source ? [sourceMaterial(source)] : []), ...bases, ...known];
}

/** A folder of somebody's machine and what a server gave without a checksum are named by no digest. */
function hasAllMaterials({ source, contexts, plan }: ProvenanceFacts): boolean {
  return source !== undefined && contexts.length === 0 && [...plan.steps.values()].every(({ op }) => op.kind !== 'copy' || (op.remotes ?? []).every(({ checksum }) => checksum !== undefined));
}

function isHermetic({ steps }: BuildPlan): boolean {
  return [...steps.values()].every(({ op }) => op.kind !== 'run' || op.network === 'none');
}

/** The graph of steps: each with what it does and the numbers of those it stands on. */
function definition({ steps }: BuildPlan): object[] {
  const numbers = new Map([...steps.keys()].map((id, index) => [id, `step${index}`]));
  return [...steps.values()].map(({ id, op, parent, from, mounts }) => ({
    id: numbers.get(id),
    op: describe(op),
    inputs: [parent, from, ...(mounts ?? [])].flatMap((input) => (input === undefined ? [] : [`${numbers.get(input) ?? ''}:0`])),
  }));
}

function describe(op: Op): object {
  if (op.kind === 'source') return { source: { identifier: op.ref === 'scratch' ? 'scratch' : `docker-image://${op.ref}` } };
  if (op.kind === 'run') return { exec: { meta: { args: op.args, env: op.env, cwd: op.cwd, ...(op.user === '' ? {} : { user: op.user }) }, ...(op.network === 'default' ? {} : { network: op.network }), ...(op.insecure ? { security: 'INSECURE' } : {}), mounts: op.mounts.map(({ kind, target }) => ({ type: kind, dest: target })) } };
  if (op.kind === 'workdir') return { file: { mkdir: { path: op.path } } };
  return { file: { copy: { src: [...op.sources, ...(op.remotes ?? []).map(({ url }) => withoutUser(url)), ...op.inline.map(({ name }) => `<<${name}`)], dest: op.dest, ...(op.owner === undefined ? {} : { owner: op.owner }) } } };
}

function sourceInfos(facts: ProvenanceFacts): object {
  const hidden = hiddenTexts(facts);
  return { source: { infos: [{ filename: facts.dockerfile.name, language: 'Dockerfile', data: Buffer.from(hide(facts.dockerfile.text, hidden)).toString('base64') }] } };
}

/** Values of arguments whose names say that nobody is to know them, and what the build was given as secrets. */
function hiddenTexts({ buildArgs, hidden }: ProvenanceFacts): string[] {
  const secretArgs = Object.entries(buildArgs).filter(([name]) => namesSecret(name)).map(([, value]) => value);
  return [...new Set([...secretArgs, ...hidden].filter((text) => text.length >= 3))].sort((a, b) => b.length - a.length);
}

function withoutHidden(value: unknown, hidden: readonly string[]): unknown {
  if (typeof value === 'string') return hide(value, hidden);
  if (Array.isArray(value)) return value.map((one) => withoutHidden(one, hidden));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutHidden(one, hidden)]));
}

function hide(text: string, hidden: readonly string[]): string {
  return hidden.reduce((shown, secret) => shown.replaceAll(secret, '***'), text).replace(/([a-z+]+:\/\/)[^/@\s]*@/gi, '$1');
}

function withoutUser(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}
