import { isAbsolute, resolve } from 'node:path';
import type { AttestBody, BuildRequestBody } from '../../../api/berth/build.ts';
import { parseNamedContext } from '../../../api/docker/build/namedContext.ts';
import { formatPlatform, parsePlatform } from '../../../base/platform.ts';
import type { CliContext } from '../../context.ts';
import { pathOnHost } from '../../engineFolder.ts';

/** Flags of `berth build` that make more of it than one image of this host's platform. */
export interface WiderOptions {
  readonly platform?: string[];
  readonly buildContext?: string[];
  readonly provenance?: string | boolean;
  readonly sbom?: string | boolean;
  readonly attest?: string[];
  readonly debug?: boolean;
}

export function widerRequest(context: CliContext, options: WiderOptions): Pick<BuildRequestBody, 'platforms' | 'contexts' | 'attest' | 'debug'> {
  const attest = attestOf(options);
  const onHost = (path: string): string => pathOnHost(path) ?? (isAbsolute(path) ? path : resolve(context.cwd, path));
  const contexts = (options.buildContext ?? []).map((text) => parseNamedContext(text, onHost));
  return {
    ...(options.platform === undefined ? {} : { platforms: options.platform.flatMap((list) => list.split(',')).map((one) => one.trim()) }),
    ...(contexts.length === 0 ? {} : { contexts: Object.fromEntries(contexts) }),
    ...(attest ? { attest } : {}),
    ...(options.debug === true ? { debug: { tty: hasTerminal(context) } } : {}),
  };
}

/** Whether a shell here has a terminal. */
function hasTerminal({ stdin, stdout }: CliContext): boolean {
  return [stdin, stdout].every((stream) => stream.isTTY);
}

/** Whether more is built than an image of one platform. */
export function isOfSeveral({ platforms = [] }: Pick<BuildRequestBody, 'platforms'>): boolean {
  const names = platforms.map((text) => formatPlatform(parsePlatform(text) ?? { os: text, architecture: '' }));
  return new Set(names).size > 1;
}

/** Whether the result is an index: of several images, or of one of which something is attested. */
export function isIndex(wider: Pick<BuildRequestBody, 'platforms' | 'attest'>): boolean {
  return isOfSeveral(wider) || wider.attest !== undefined;
}

/** Whether a named context was given as a folder of the engine's host. */
export function isOnHost({ buildContext = [] }: WiderOptions, name: string): boolean {
  return buildContext.some((text) => text.startsWith(`${name}=`) && pathOnHost(text.slice(name.length + 1).replace(/^oci-layout:\/\//, '')) !== undefined);
}

/** `--provenance`, `--sbom` and `--attest type=…`; later ones win. */
function attestOf({ provenance, sbom, attest = [] }: WiderOptions): AttestBody | undefined {
  const asked = new Map<string, string>();
  for (const text of attest) {
    const fields = fieldsOf(text);
    const type = fields.get('type');
    if (type !== 'provenance' && type !== 'sbom') throw new Error(`--attest ${text}: expected type=provenance or type=sbom`);
    asked.set(type, fields.get('disabled') === 'true' ? 'false' : text.split(',').filter((field) => !field.startsWith('type=')).join(','));
  }
  if (provenance !== undefined) asked.set('provenance', String(provenance));
  if (sbom !== undefined) asked.set('sbom', String(sbom));
  const wanted = { ...provenanceOf(asked.get('provenance')), ...(isOff(asked.get('sbom')) ? {} : { sbom: true }) };
  return Object.keys(wanted).length > 0 ? wanted : undefined;
}

function provenanceOf(text: string | undefined): Pick<AttestBody, 'provenance'> {
  if (isOff(text)) return {};
  const fields = fieldsOf(text ?? '');
  const [mode, version, builderId] = [fields.get('mode') ?? 'min', fields.get('version') ?? 'v1', fields.get('builder-id')];
  if (mode !== 'min' && mode !== 'max') throw new Error(`--provenance ${text ?? ''}: expected mode=min or mode=max`);
  if (version !== 'v1' && version !== 'v0.2') throw new Error(`--provenance ${text ?? ''}: expected version=v1 or version=v0.2`);
  return { provenance: { mode, version, ...(builderId === undefined ? {} : { builderId }) } };
}

const SPEC = /^(true|false|0|1|([a-z-]+=[^,]*)(,[a-z-]+=[^,]*)*)$/;

/** `--sbom FOLDER`: an option whose value may be left out takes what stands behind it for one. It is given back. Throws where something else stands there. */
export function givenBack<Options extends WiderOptions>(what: string | undefined, options: Options): { readonly what: string; readonly options: Options } {
  const [taken, ...more] = (['provenance', 'sbom'] as const).filter((name) => typeof options[name] === 'string' && !SPEC.test(options[name]));
  if (taken === undefined) return { what: what ?? '.', options };
  if (what !== undefined || more.length > 0) throw new Error(`--${taken} ${String(options[taken])}: expected --${taken}=${taken === 'sbom' ? 'true or false' : 'true, false or mode=min|max'}`);
  return { what: String(options[taken]), options: { ...options, [taken]: true } };
}

function isOff(text: string | undefined): boolean {
  return text === undefined || text === 'false' || text === '0';
}

function fieldsOf(text: string): Map<string, string> {
  return new Map(text.split(',').flatMap((field): Array<[string, string]> => (field.includes('=') ? [[field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]] : [])));
}
