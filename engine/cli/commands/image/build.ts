import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { buildEventSchema } from '../../../api/berth/build.ts';
import type { BuildEvent, BuildRequestBody } from '../../../api/berth/build.ts';
import { ApiError } from '../../../api/client.ts';
import type { ApiClient } from '../../../api/client.ts';
import { sendContext } from '../../../remote/sync/sendContext.ts';
import { syncStateFolder } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { pathOnHost } from '../../engineFolder.ts';
import { BuildProgressPrinter } from '../../output/buildProgress.ts';
import { BuildScreen } from '../../output/buildScreen.ts';
import { formatWarnings } from '../../output/buildWarnings.ts';
import type { BuildWarningEvent } from '../../output/buildWarnings.ts';
import { formatSize } from '../../output/units.ts';
import { registryLogins } from '../../registry/credentials.ts';
import { collect } from '../container/execIn.ts';
import { addDeliveryFlags, planDelivery, sendCaches } from './buildDelivery.ts';
import { isFolder, requestOf } from './buildRequest.ts';
import { isOnHost, widerRequest } from './buildWider.ts';
import { sendNamedContexts } from './sendNamedContexts.ts';
import type { BuildOptions } from './buildRequest.ts';
import { checkFiles, deliver, writeMetadata } from './deliver.ts';
import type { Built } from './deliver.ts';
import { debugShell } from './debugShell.ts';
import { differences } from './diff.ts';

/** `berth build`. */
export function registerBuild(parent: Command, context: CliContext): void {
  const command = parent
    .command('build [folder]')
    .description('build an image from a Dockerfile; its context is the folder (default: this one), or a Git repository (URL[#ref[:folder]]); - takes a Dockerfile from standard input')
    .option('-f, --file <path>', 'the Dockerfile (default: Dockerfile in the context); - is standard input')
    .option('-t, --tag <name>', 'name of the image; may be repeated', collect)
    .option('--target <stage>', 'stage to build')
    .option('--build-arg <NAME=value>', 'a build argument', collect)
    .option('--label <key=value>', 'a label', collect)
    .option('--no-cache', 'build every step again')
    .addOption(noCacheFilter())
    .option('--pull', 'ask the registries for newer base images')
    .option('--network <mode>', 'network of RUN: default, none or host')
    .option('--secret <id=NAME[,src=FILE|,env=NAME]>', 'a secret for RUN --mount=type=secret', collect)
    .option('--ssh <default|id=SOCKET>', 'an SSH agent for RUN --mount=type=ssh', collect)
    .option('--allow <what>', 'security.insecure: RUN --security=insecure may be done; device: RUN --device', collect)
    .option('--build-context <name=value>', 'what a name means in FROM, COPY --from and RUN --mount=from: a folder, the URL of an archive or Git repository, docker-image://IMAGE, oci-layout://FOLDER[:TAG|@DIGEST]; may be repeated', collect)
    .option('--platform <os/arch,…>', 'what the image is for (default: what the engine runs on); several make one image for all of them', collect)
    .option('--provenance [mode=min|max]', 'attest where the image comes from (SLSA; version=v1 or v0.2, builder-id=ID); --provenance=false: not')
    .option('--sbom [true|false]', 'attest what is installed in the image (SPDX)')
    .option('--attest <type=provenance|sbom,…>', 'the same, as docker build writes it', collect)
    .option('--debug', 'when a RUN fails, open a shell in its container before the build ends')
    .option('--reproducible', 'the same files make the same image, anywhere and any time: times are those of SOURCE_DATE_EPOCH, else of the newest commit of the folder, else 1970')
    .option('--check-reproducible', 'build twice from the start, and show the files that differ; the exit status is 1 if any do')
    .option('--check', 'build nothing: say what of the Dockerfile is odd; the exit status is 1 if anything is')
    .option('--progress <kind>', 'auto, tty, plain, quiet, or json: an event a line')
    .option('-q, --quiet', 'print only the id')
    .option('--iidfile <file>', 'write the id to this file')
    .option('--metadata-file <file>', 'write what was made to this file, as JSON')
    .option('--send-context', 'the engine is on another machine: send it what changed in the folder since the last time, instead of letting it read the folder');
  addDeliveryFlags(command).action((what: string | undefined, options: BuildOptions) => build(context, what ?? '.', options));
}

/** Not the negation of `--cache-filter`, which its name would make of it. */
function noCacheFilter(): Option {
  const option = new Option('--no-cache-filter <stages>', 'build the steps of these stages again').argParser(collect);
  option.negate = false;
  return option;
}

async function build(context: CliContext, what: string, options: BuildOptions): Promise<void> {
  if (options.debug === true && (what === '-' || options.file === '-')) throw new Error('berth build --debug: standard input is the Dockerfile, so no shell can read from it');
  const client = await context.engine();
  const printer = printerFor(context, options);
  const { request: wanted, delivery, names } = planDelivery(context, options, widerRequest(context, options));
  await checkFiles(context, delivery.files);
  const asked = { ...(await requestOf(context, what, options)), ...wanted };
  const isElsewhere = options.sendContext === true || context.host !== undefined;
  const isSent = isFolder(what) && (options.sendContext === true || (context.host !== undefined && pathOnHost(what) === undefined));
  await using sent = isSent ? await sendContextFor(context, client, asked, options) : undefined;
  await using others = await sendNamedContexts(context, client, asked.contexts, (name) => isElsewhere && !isOnHost(options, name));
  await using caches = isElsewhere && asked.cacheFrom ? await sendCaches(context, client, asked.cacheFrom) : undefined;
  const request = { ...asked, ...sent?.request, ...others.request, ...(caches ? { cacheFrom: caches.cacheFrom } : {}) };
  if (options.check === true) return check(context, client, request);
  const built = await run(context, client, request, printer);
  if (options.checkReproducible === true) return checkAgain(context, client, request, built.imageId, printer);
  const pushed = await deliver(context, client, built, delivery);
  if (options.iidfile !== undefined) await writeFile(resolve(context.cwd, options.iidfile), built.imageId);
  if (options.metadataFile !== undefined) await writeMetadata(resolve(context.cwd, options.metadataFile), built, names, pushed);
  if (!delivery.files.some(({ dest }) => dest === '-')) context.stdout.write(`${built.imageId}\n`);
}

interface Printer {
  print(event: BuildEvent): void;
  pause(): void;
  end(): void;
}

function printerFor(context: CliContext, { progress = 'auto', quiet }: BuildOptions): Printer {
  if (quiet === true || progress === 'quiet') return { print: () => undefined, pause: () => undefined, end: () => undefined };
  if (progress === 'json' || progress === 'rawjson') return { print: (event) => void context.stderr.write(`${JSON.stringify(event)}\n`), pause: () => undefined, end: () => undefined };
  if (progress !== 'auto' && progress !== 'tty' && progress !== 'plain') throw new Error(`--progress ${progress}: expected auto, tty, plain, quiet or json`);
  const isLive = progress === 'tty' || (progress === 'auto' && context.stderr.isTTY && context.env['TERM'] !== 'dumb');
  return isLive ? new BuildScreen(context.stderr, { env: context.env }) : new BuildProgressPrinter(context.stderr);
}

/** Builds; what came of it. */
async function run(context: CliContext, client: ApiClient, request: BuildRequestBody, printer: Printer): Promise<Built> {
  const headers = await registryLogins(context);
  let built: Built | undefined;
  try {
    for await (const event of client.lines('POST', '/berth/v1/build', buildEventSchema, { json: request, headers, signal: context.signal })) {
      if (event.type === 'result') built = event;
      else if (event.type === 'error') throw new ApiError(400, event.error.message, event.error.code, event.error.params);
      printer.print(event);
      if (event.type !== 'debug') continue;
      printer.pause();
      await debugShell(context, client, request, event);
    }
  } finally {
    printer.end();
  }
  if (built === undefined) throw new Error('The engine ended the build without a result. See berth engine logs');
  return built;
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

/** `--check-reproducible`: once more, with every step done anew. */
async function checkAgain(context: CliContext, client: ApiClient, request: BuildRequestBody, first: string, printer: Printer): Promise<void> {
  const { imageId: second } = await run(context, client, { ...request, noCache: true }, printer);
  if (first === second) return void context.stdout.write(`The same image both times: ${first}\n`);
  const lines = await differences(client, first, second, context.signal);
  context.stdout.write(`The two builds differ (${first.slice(7, 19)}, ${second.slice(7, 19)}):\n${lines.map((line) => `${line}\n`).join('')}`);
  context.setExitStatus(1);
}

interface SentRequest extends AsyncDisposable {
  readonly request: Pick<BuildRequestBody, 'context' | 'dockerfile'>;
}

/** The folder as the engine's host has it from now on. */
async function sendContextFor(context: CliContext, client: ApiClient, { context: source, dockerfile, dockerfileText }: BuildRequestBody, options: BuildOptions): Promise<SentRequest> {
  const folder = source.kind === 'directory' ? source.path : context.cwd;
  const sent = await sendContext({ client, folder, stateFolder: join(syncStateFolder(context.env), 'contexts'), signal: context.signal, ...(dockerfile === undefined ? {} : { dockerfile }) });
  if (options.quiet !== true) context.stderr.write(`context: ${sent.changes === 0 ? 'unchanged' : `${sent.changes} changed`}, ${formatSize(sent.bytesSent)} sent\n`);
  for (const [path, reason] of sent.problems) context.stderr.write(`warning: ${path} is not part of the context: ${reason}\n`);
  return { request: { context: { kind: 'directory', path: sent.path }, ...(dockerfileText === undefined ? { dockerfile: sent.dockerfile } : {}) }, [Symbol.asyncDispose]: () => sent[Symbol.asyncDispose]() };
}
