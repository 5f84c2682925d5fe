import { writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { buildEventSchema } from '../../../api/berth/build.ts';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import { ApiError } from '../../../api/client.ts';
import type { ApiClient } from '../../../api/client.ts';
import { sendContext } from '../../../remote/sync/sendContext.ts';
import type { SentContext } from '../../../remote/sync/sendContext.ts';
import { syncStateFolder } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { BuildProgressPrinter } from '../../output/buildProgress.ts';
import { formatWarnings } from '../../output/buildWarnings.ts';
import type { BuildWarningEvent } from '../../output/buildWarnings.ts';
import { formatSize } from '../../output/units.ts';
import { collect } from '../container/execIn.ts';
import { pathOnHost } from '../../engineFolder.ts';
import { folderPath } from '../container/reference.ts';
import { givenSecrets } from './buildSecrets.ts';
import { reproducibleEpoch } from './reproducible.ts';

interface BuildOptions {
  readonly file?: string;
  readonly tag?: string[];
  readonly target?: string;
  readonly buildArg?: string[];
  readonly label?: string[];
  readonly cache: boolean;
  readonly pull?: boolean;
  readonly network?: string;
  readonly quiet?: boolean;
  readonly iidfile?: string;
  readonly secret?: string[];
  readonly ssh?: string[];
  readonly allow?: string[];
  readonly sendContext?: boolean;
  readonly check?: boolean;
  readonly reproducible?: boolean;
}

/** `berth build`. */
export function registerBuild(parent: Command, context: CliContext): void {
  parent
    .command('build [folder]')
    .description('build an image from a Dockerfile; the folder (default: this one) is its context')
    .option('-f, --file <path>', 'the Dockerfile (default: Dockerfile in the context)')
    .option('-t, --tag <name>', 'name of the image; may be repeated', collect)
    .option('--target <stage>', 'stage to build')
    .option('--build-arg <NAME=value>', 'a build argument', collect)
    .option('--label <key=value>', 'a label', collect)
    .option('--no-cache', 'build every step again')
    .option('--pull', 'ask the registries for newer base images')
    .option('--network <mode>', 'network of RUN: default, none or host')
    .option('--secret <id=NAME[,src=FILE|,env=NAME]>', 'a secret for RUN --mount=type=secret', collect)
    .option('--ssh <default|id=SOCKET>', 'an SSH agent for RUN --mount=type=ssh', collect)
    .option('--allow <what>', 'security.insecure: RUN --security=insecure may be done', collect)
    .option('--reproducible', 'the same files make the same image, anywhere and any time: times are those of SOURCE_DATE_EPOCH, else of the newest commit of the folder, else 1970')
    .option('--check', 'build nothing: say what of the Dockerfile is odd; the exit status is 1 if anything is')
    .option('-q, --quiet', 'print only the id')
    .option('--iidfile <file>', 'write the id to this file')
    .option('--send-context', 'the engine is on another machine: send it what changed in the folder since the last time, instead of letting it read the folder')
    .action((folder: string | undefined, options: BuildOptions) => build(context, folder ?? '.', options));
}

async function build(context: CliContext, folder: string, options: BuildOptions): Promise<void> {
  const client = await context.engine();
  const request = await requestOf(context, folder, options);
  await using sent = options.sendContext === true || (context.host !== undefined && pathOnHost(folder) === undefined) ? await sendContextFor(context, client, request, options) : undefined;
  if (options.check === true) return check(context, client, sent === undefined ? request : { ...request, context: { kind: 'directory', path: sent.path }, dockerfile: sent.dockerfile });
  const printer = new BuildProgressPrinter(context.stderr);
  let imageId: string | undefined;
  try {
    for await (const event of client.lines('POST', '/berth/v1/build', buildEventSchema, { json: sent === undefined ? request : { ...request, context: { kind: 'directory', path: sent.path }, dockerfile: sent.dockerfile }, signal: context.signal })) {
      if (event.type === 'result') imageId = event.imageId;
      else if (event.type === 'error') throw new ApiError(400, event.error.message, event.error.code, event.error.params);
      else if (options.quiet !== true) printer.print(event);
    }
  } finally {
    printer.end();
  }
  if (imageId === undefined) throw new Error('The engine ended the build without a result. See berth engine logs');
  if (options.iidfile !== undefined) await writeFile(resolve(context.cwd, options.iidfile), imageId);
  context.stdout.write(`${imageId}\n`);
}

/** `--check`: each warning with the lines it is about. */
async function check(context: CliContext, client: ApiClient, request: BuildRequestBody): Promise<void> {
  const found: BuildWarningEvent[] = [];
  for await (const event of client.lines('POST', '/berth/v1/build', buildEventSchema, { json: { ...request, checkOnly: true }, signal: context.signal })) {
    if (event.type === 'error') throw new ApiError(400, event.error.message, event.error.code, event.error.params);
    if (event.type === 'warning') found.push(event);
  }
  context.stdout.write(formatWarnings(found));
  if (found.length > 0) context.setExitStatus(1);
}

/** The folder as the engine's host has it from now on. */
async function sendContextFor(context: CliContext, client: ApiClient, request: BuildRequestBody, options: BuildOptions): Promise<SentContext> {
  const { dockerfile } = request;
  const stateFolder = join(syncStateFolder(context.env), 'contexts');
  const sent = await sendContext({ client, folder: request.context.path, stateFolder, signal: context.signal, ...(dockerfile === undefined ? {} : { dockerfile }) });
  if (options.quiet !== true) context.stderr.write(`context: ${sent.changes === 0 ? 'unchanged' : `${sent.changes} changed`}, ${formatSize(sent.bytesSent)} sent\n`);
  for (const [path, reason] of sent.problems) context.stderr.write(`warning: ${path} is not part of the context: ${reason}\n`);
  return sent;
}

async function requestOf(context: CliContext, folder: string, options: BuildOptions): Promise<BuildRequestBody> {
  const path = pathOnHost(folder) ?? (await folderPath(context, folder));
  const { network } = options;
  if (network !== undefined && network !== 'default' && network !== 'none' && network !== 'host') throw new Error(`--network ${network}: expected default, none or host`);
  return {
    context: { kind: 'directory', path },
    ...(options.file === undefined ? {} : { dockerfile: isAbsolute(options.file) ? options.file : resolve(context.cwd, options.file) }),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(await buildArgs(context, folder, options)),
    ...(options.label === undefined ? {} : { labels: pairs(context, '--label', options.label) }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
    ...(options.cache ? {} : { noCache: true }),
    ...(options.pull === true ? { pull: true } : {}),
    ...(network === undefined ? {} : { network }),
    ...(await givenSecrets(context, options)),
  };
}

async function buildArgs(context: CliContext, folder: string, { buildArg, reproducible }: BuildOptions): Promise<Pick<BuildRequestBody, 'buildArgs'>> {
  const given = buildArg === undefined ? {} : pairs(context, '--build-arg', buildArg);
  if (reproducible !== true) return buildArg === undefined ? {} : { buildArgs: given };
  const here = pathOnHost(folder) === undefined ? await folderPath(context, folder) : undefined;
  return { buildArgs: { SOURCE_DATE_EPOCH: await reproducibleEpoch(context, here), ...given } };
}

/** `NAME=value`; a build argument without a value takes it from our environment. */
function pairs(context: CliContext, flag: string, texts: readonly string[]): Record<string, string> {
  const map: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    if (name === '') throw new Error(`${flag} ${text}: expected NAME=value`);
    const value = at === -1 ? (flag === '--label' ? '' : context.env[name]) : text.slice(at + 1);
    if (value !== undefined) map[name] = value;
  }
  return map;
}
