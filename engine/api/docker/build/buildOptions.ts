import type { BuildRequestBody } from '../../berth/build.ts';
import { FlagUnsupported, switched, valued } from '../run/flags.ts';
import type { Flag } from '../run/flags.ts';
import { FlagArgError, FlagTable, parseFlags } from '../run/parseFlags.ts';
import { CacheTypeUnsupported, parseCacheFrom, parseCacheTo } from './cacheFlags.ts';
import { parseNamedContext } from './namedContext.ts';
import { parsePairs } from './pairs.ts';
import { parseAgent, parseAllowed, parseSecret } from './secretFlags.ts';
import { parseNetwork, settingsRequest } from './settings.ts';

/** What flags of `docker build` say of a build whose Dockerfile and context are known already. */
export type BuildOptionsBody = Pick<BuildRequestBody, 'target' | 'buildArgs' | 'labels' | 'tags' | 'noCache' | 'noCacheFilter' | 'pull' | 'network' | 'extraHosts' | 'shmSize' | 'ulimits' | 'secrets' | 'sshAgents' | 'allowInsecure' | 'allowDevices' | 'platforms' | 'contexts' | 'cacheFrom' | 'cacheTo'>;

/** What flags may ask of the host that parses them. */
export interface BuildHost {
  /** An absolute path. */
  resolve(path: string): string;
  /** undefined: there is no such variable. */
  env(name: string): string | undefined;
  /** Throws what tells people why not. */
  readFile(path: string): Uint8Array;
}

interface BuildDraft {
  readonly texts: { readonly addHost: string[]; readonly ulimit: string[]; shmSize?: string };
  readonly body: BuildOptionsBody;
  readonly warnings: string[];
}

type BuildFlag = Flag<BuildDraft, BuildHost>;
type Apply = BuildFlag['apply'];

const value = (names: string, apply: Apply): BuildFlag => valued<BuildDraft, BuildHost>(names, 'VALUE', '', apply);
const on = (names: string, apply: (body: BuildOptionsBody, isOn: boolean) => void): BuildFlag => switched<BuildDraft>(names, '', ({ body }, isOn) => apply(body, isOn));
/** What they are about is not what a dev container's image is made of, or is so anyway. */
const idle = (names: string): BuildFlag[] => names.split(' ').map((name) => switched<BuildDraft>(name, '', () => undefined));
const idleValues = (names: string): BuildFlag[] => names.split(' ').map((name) => value(name, () => undefined));
const warned = (names: string, why: string): BuildFlag[] => names.split(' ').map((name) => value(name, ({ warnings }, text) => void (text === 'false' || warnings.push(`${name.length === 1 ? '-' : '--'}${name} ${text} has no effect: ${why}`))));
const refused = (names: string, why: string): BuildFlag => value(names, () => {
  throw new FlagUnsupported(why);
});

const works: readonly BuildFlag[] = [
  value('add-host', ({ texts }, text) => {
    settingsRequest({ addHost: [text] });
    texts.addHost.push(text);
  }),
  value('ulimit', ({ texts }, text) => {
    settingsRequest({ ulimit: [text] });
    texts.ulimit.push(text);
  }),
  value('shm-size', ({ texts }, text) => {
    settingsRequest({ shmSize: text });
    texts.shmSize = text;
  }),
  value('build-arg', ({ body }, text, host) => void (body.buildArgs = { ...body.buildArgs, ...parsePairs('--build-arg', [text], (name) => host.env(name)) })),
  value('label', ({ body }, text) => void (body.labels = { ...body.labels, ...parsePairs('--label', [text], () => '') })),
  value('build-context', ({ body }, text, host) => void (body.contexts = { ...body.contexts, ...Object.fromEntries([parseNamedContext(text, (path) => host.resolve(path))]) })),
  value('secret', ({ body }, text, host) => void (body.secrets = { ...body.secrets, ...secretOf(text, host) })),
  value('ssh', ({ body }, text, host) => {
    const [id, socket] = parseAgent(text, host.env('SSH_AUTH_SOCK'));
    body.sshAgents = { ...body.sshAgents, [id]: host.resolve(socket) };
  }),
  value('allow', ({ body }, text) => void Object.assign(body, parseAllowed([text]))),
  value('cache-from', (draft, text, host) => void (draft.body.cacheFrom = [...(draft.body.cacheFrom ?? []), ...cachesFrom(text, host, draft.warnings)])),
  value('cache-to', (draft, text) => void (draft.body.cacheTo = [...(draft.body.cacheTo ?? []), ...cachesTo(text, draft.warnings)])),
  value('network', ({ body }, text) => void (body.network = parseNetwork(text))),
  value('platform', ({ body }, text) => void (body.platforms = [...(body.platforms ?? []), ...text.split(',').map((one) => one.trim())])),
  value('tag t', ({ body }, text) => void (body.tags = [...(body.tags ?? []), text])),
  value('target', ({ body }, text) => void (body.target = text)),
  value('no-cache-filter', ({ body }, text) => void (body.noCacheFilter = [...(body.noCacheFilter ?? []), ...text.split(',')])),
  on('no-cache', (body, isOn) => void (body.noCache = isOn)),
  on('pull', (body, isOn) => void (body.pull = isOn)),
];

const FOR_HERE = 'the image of a dev container stays in the engine';

const others: readonly BuildFlag[] = [
  ...idle('load quiet q rm force-rm compress disable-content-trust debug D'),
  ...idleValues('progress'),
  ...warned('attest provenance sbom annotation iidfile metadata-file', FOR_HERE),
  ...warned('builder', 'Berth builds'),
  // As with BuildKit, which knows them from the classic builder.
  ...warned('memory m memory-swap cpu-period cpu-quota cpu-shares c cpuset-cpus cpuset-mems cgroup-parent isolation security-opt', 'builds have no such limit'),
  refused('file f', 'the Dockerfile is that of build.dockerfile'),
  refused('output o', FOR_HERE),
  refused('call', 'nothing would be built'),
  ...['push', 'check', 'squash'].map((name) => switched<BuildDraft>(name, '', () => {
    throw new FlagUnsupported(name === 'squash' ? 'layers are not put together' : FOR_HERE);
  })),
];

const table = new FlagTable<BuildDraft, BuildHost>('docker build', [...works, ...others]);

/** Parses flags of `docker build`, without a context. `warnings`: of what has no effect. Throws FlagArgError. */
export function parseBuildOptions(args: readonly string[], host: BuildHost): { readonly body: BuildOptionsBody; readonly warnings: readonly string[] } {
  const draft: BuildDraft = { texts: { addHost: [], ulimit: [] }, body: {}, warnings: [] };
  const rest = parseFlags(table, args, draft, host);
  if (rest.length > 0) throw new FlagArgError('invalid', args.length - rest.length, '', `expected a flag of docker build, found ${rest[0] ?? ''}`);
  return { body: { ...draft.body, ...settingsRequest(draft.texts) }, warnings: draft.warnings };
}

/** Caches are there to save time: one that is of no use here is told in `warnings`. */
export function cachesFrom(text: string, host: Pick<BuildHost, 'resolve'>, warnings: string[]): NonNullable<BuildOptionsBody['cacheFrom']> {
  try {
    return parseCacheFrom(text, (path) => host.resolve(path));
  } catch (error) {
    warnings.push(`the build cache ${text} is not used: ${reason(error)}`);
    return [];
  }
}

function cachesTo(text: string, warnings: string[]): NonNullable<BuildOptionsBody['cacheTo']> {
  try {
    const { target, local } = parseCacheTo(text);
    if (!local) return [target];
    warnings.push(`the build cache ${text} is not written: caches in folders are written by berth build only`);
  } catch (error) {
    warnings.push(`the build cache ${text} is not written: ${reason(error)}`);
  }
  return [];
}

function reason(error: unknown): string {
  if (error instanceof CacheTypeUnsupported) return `caches of type ${error.type} are not supported`;
  return error instanceof Error ? error.message : String(error);
}

function secretOf(text: string, host: BuildHost): Record<string, string> {
  const source = parseSecret(text, (name) => host.env(name) !== undefined);
  if ('file' in source) return { [source.id]: Buffer.from(host.readFile(host.resolve(source.file))).toString('base64') };
  const found = host.env(source.variable);
  if (found === undefined) throw new Error(`the environment has no ${source.variable}`);
  return { [source.id]: Buffer.from(found).toString('base64') };
}
