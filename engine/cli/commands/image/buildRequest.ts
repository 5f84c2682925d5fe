import { text as readText } from 'node:stream/consumers';
import { isAbsolute, resolve } from 'node:path';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import { isGitAddress, isHttpAddress } from '../../../api/berth/remoteAddress.ts';
import { parsePairs } from '../../../api/docker/build/pairs.ts';
import { parseNetwork, settingsRequest } from '../../../api/docker/build/settings.ts';
import type { SettingsOptions } from '../../../api/docker/build/settings.ts';
import type { CliContext } from '../../context.ts';
import { pathOnHost } from '../../engineFolder.ts';
import { folderPath } from '../container/reference.ts';
import type { DeliveryOptions } from './buildDelivery.ts';
import { givenSecrets } from './buildSecrets.ts';
import { widerRequest } from './buildWider.ts';
import type { WiderOptions } from './buildWider.ts';
import { reproducibleEpoch } from './reproducible.ts';

export interface BuildOptions extends DeliveryOptions, SettingsOptions, WiderOptions {
  readonly file?: string;
  readonly target?: string;
  readonly buildArg?: string[];
  readonly label?: string[];
  readonly cache: boolean;
  readonly noCacheFilter?: string[];
  readonly pull?: boolean;
  readonly network?: string;
  readonly iidfile?: string;
  readonly metadataFile?: string;
  readonly progress?: string;
  readonly secret?: string[];
  readonly ssh?: string[];
  readonly allow?: string[];
  readonly sendContext?: boolean;
  readonly check?: boolean;
  readonly reproducible?: boolean;
  readonly checkReproducible?: boolean;
}

const TAR_MAGIC_AT = 257;

/** What the engine is asked to build. `what`: a folder, the address of a Git repository, archive or Dockerfile, or `-` for a Dockerfile on standard input. */
export async function requestOf(context: CliContext, what: string, options: BuildOptions): Promise<BuildRequestBody> {
  const network = options.network === undefined ? undefined : parseNetwork(options.network);
  return {
    ...(await sources(context, what, options)),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(await buildArgs(context, what, options)),
    ...(options.label === undefined ? {} : { labels: parsePairs('--label', options.label, () => '') }),
    ...(options.cache && options.checkReproducible !== true ? {} : { noCache: true }),
    ...(options.noCacheFilter === undefined ? {} : { noCacheFilter: options.noCacheFilter.flatMap((stages) => stages.split(',')) }),
    ...(options.pull === true ? { pull: true } : {}),
    ...(network === undefined ? {} : { network }),
    ...settingsRequest(options),
    ...(await givenSecrets(context, options)),
    ...widerRequest(context, options),
  };
}

/** Whether `berth build` is given a folder, and not something that the engine fetches or that comes by standard input. */
export function isFolder(what: string): boolean {
  return what !== '-' && !isGitAddress(what) && !isHttpAddress(what);
}

async function sources(context: CliContext, what: string, { file }: BuildOptions): Promise<Pick<BuildRequestBody, 'context' | 'dockerfile' | 'dockerfileText'>> {
  if (what === '-') {
    if (file !== undefined) throw new Error('berth build -: the Dockerfile is on standard input, so there is no --file');
    return { context: { kind: 'empty' }, dockerfileText: await dockerfileOnStdin(context) };
  }
  const text = file === '-' ? { dockerfileText: await dockerfileOnStdin(context) } : {};
  if (!isFolder(what)) return { context: { kind: isGitAddress(what) ? 'git' : 'http', url: what }, ...(file === undefined || file === '-' ? {} : { dockerfile: file }), ...text };
  const path = pathOnHost(what) ?? (await folderPath(context, what));
  return { context: { kind: 'directory', path }, ...(file === undefined || file === '-' ? {} : { dockerfile: isAbsolute(file) ? file : resolve(context.cwd, file) }), ...text };
}

async function dockerfileOnStdin(context: CliContext): Promise<string> {
  if (context.stdin.isTTY) throw new Error('berth build: pipe a Dockerfile in');
  const text = await readText(context.stdin);
  if (text.startsWith('\u001f') || text.slice(TAR_MAGIC_AT).startsWith('ustar')) throw new Error('berth build: standard input is an archive, not a Dockerfile. Unpack it and give its folder, or use the docker CLI: docker build -');
  return text;
}

async function buildArgs(context: CliContext, what: string, { buildArg, reproducible, checkReproducible }: BuildOptions): Promise<Pick<BuildRequestBody, 'buildArgs'>> {
  const given = buildArg === undefined ? {} : parsePairs('--build-arg', buildArg, (name) => context.env[name]);
  const epoch = context.env['SOURCE_DATE_EPOCH'] ?? '';
  const args = epoch === '' ? given : { SOURCE_DATE_EPOCH: epoch, ...given }; // as buildx has it
  if (reproducible !== true && checkReproducible !== true) return Object.keys(args).length === 0 ? {} : { buildArgs: args };
  const here = isFolder(what) && pathOnHost(what) === undefined ? await folderPath(context, what) : undefined;
  return { buildArgs: { SOURCE_DATE_EPOCH: await reproducibleEpoch(context, here), ...given } };
}
