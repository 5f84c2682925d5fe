import { createReadStream, existsSync, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { engineStatusSchema } from '../api/berth/engine.ts';
import type { EngineStatus } from '../api/berth/engine.ts';
import type { ApiClient } from '../api/client.ts';
import { ConnectError } from '../api/client.ts';
import { defineError } from '../base/errors.ts';
import { confirmed } from './confirm.ts';
import type { CliContext } from './context.ts';
import { dialStdio } from './dialStdio.ts';

const containersRun = defineError<{ count: number }>('RESET_CONTAINERS_RUN', 409, (p) => `${p.count} container(s) still run, and nothing was removed. Stop them first: berth ps, berth stop.`);

export interface EngineProcess {
  /** Serves until stopped: the body of `berth engine`. */
  serve(options: { onDemand: boolean; readyFd: number | undefined }): Promise<void>;
  /** This machine's engine, whatever host is chosen; started on demand. */
  local(): Promise<ApiClient>;
  /** Removes the data of an engine that does not run. */
  removeData(): Promise<void>;
  /** Where the data is. */
  readonly dataRoot: string;
  /** Where the log is when no engine can tell. */
  readonly logFile: string;
}

/** `berth engine`, `berth engine start|status|stop|logs`. */
export function registerEngineCommands(engine: EngineProcess): (program: Command, context: CliContext) => void {
  return (program, context) => {
    const group = program.command('engine').description('the engine: without a subcommand, serve in the foreground');
    group
      .option('--on-demand', 'exit when idle (BERTH_IDLE_SECONDS, default 300)', false)
      .option('--ready-fd <fd>', 'write one line to this file descriptor when serving, or why not')
      .action((options: { onDemand: boolean; readyFd?: string }) => engine.serve({ onDemand: options.onDemand, readyFd: options.readyFd === undefined ? undefined : Number(options.readyFd) }));
    group
      .command('start')
      .description('start an engine in the background, if none runs')
      .option('--json', 'print JSON', false)
      .action(async (options: { json: boolean }) => printRunning(context, await status(await context.engine()), options.json));
    group
      .command('status')
      .description('say whether an engine runs, and what it serves (status 3: none)')
      .option('--json', 'print JSON', false)
      .action((options: { json: boolean }) => showStatus(context, options.json));
    group
      .command('stop')
      .description('stop the engine; containers go on')
      .action(() => stopEngine(context, (text) => context.stdout.write(text)));
    group
      .command('reset')
      .description('remove everything the engine has: containers, images, volumes, networks; containers must be stopped')
      .option('-y, --yes', 'do not ask', false)
      .action((options: { yes: boolean }) => resetEngine(context, engine, options.yes));
    group
      .command('dial-stdio', { hidden: true })
      .description("connect standard input and output to this machine's engine, which is started on demand")
      .action(async () => dialStdio(context, await engine.local()));
    group
      .command('logs')
      .description("print the engine's log, one JSON object a line")
      .option('-f, --follow', 'go on printing what is added', false)
      .action((options: { follow: boolean }) => printLog(context, engine.logFile, options.follow));
  };
}

function status(client: ApiClient): Promise<EngineStatus> {
  return client.json('GET', '/berth/v1/engine', engineStatusSchema);
}

async function showStatus(context: CliContext, json: boolean): Promise<void> {
  let value: EngineStatus;
  try {
    value = await status(context.client);
  } catch (error) {
    if (!(error instanceof ConnectError) || error.reason === 'EACCES') throw error;
    context.stdout.write(json ? '{"running":false}\n' : `No engine runs at ${context.client.socketPath}. It starts on demand.\n`);
    context.setExitStatus(3);
    return;
  }
  printRunning(context, value, json);
}

function printRunning(context: CliContext, value: EngineStatus, json: boolean): void {
  if (json) context.stdout.write(`${JSON.stringify({ running: true, ...value })}\n`);
  else printStatus(context, value);
}

function printStatus(context: CliContext, value: EngineStatus): void {
  const rows: Array<[string, string]> = [
    ['Engine', `Berth ${value.version}${value.rootless ? ', without root' : ''}, pid ${value.pid}, Node ${value.node}, since ${value.started}`],
    ['Socket', value.socketPath],
    ['Data', value.dataRoot],
    ['Runtime', value.runtime ? `${value.runtime.name} (${value.runtime.path})` : 'none found: see berth doctor'],
    ['Containers', `${value.containersRunning} running, ${value.containers} in all`],
    ['Memory', `${(value.memory / 1024 / 1024).toFixed(1)} MiB`],
    ['Idle exit', value.idleSeconds === 0 ? 'never' : `after ${value.idleSeconds} s without work`],
  ];
  for (const [name, text] of rows) context.stdout.write(`${name.padEnd(11)}${text}\n`);
}

/** The engine is asked first, so that a container that still runs is noticed; one that cannot start has none that could be. */
async function resetEngine(context: CliContext, engine: EngineProcess, yes: boolean): Promise<void> {
  const { containersRunning } = await status(await context.engine());
  if (containersRunning > 0) throw containersRun({ count: containersRunning });
  if (!yes && !(await confirmed(context, `Remove all containers, images and volumes in ${engine.dataRoot}? [y/N] `))) return;
  await stopEngine(context, () => undefined);
  await engine.removeData();
  context.stdout.write(`Removed ${engine.dataRoot}.\n`);
}

async function stopEngine(context: CliContext, say: (text: string) => void): Promise<void> {
  let pid: number;
  try {
    pid = (await status(context.client)).pid;
    await context.client.send('POST', '/berth/v1/engine/stop');
  } catch (error) {
    if (!(error instanceof ConnectError) || error.reason === 'EACCES') throw error;
    say('No engine runs.\n');
    return;
  }
  while (context.host === undefined && existsSync(`/proc/${pid}`)) await delay(20, undefined, { signal: context.signal });
  say('Stopped. Containers go on; the next command starts the engine again.\n');
}

async function printLog(context: CliContext, path: string, follow: boolean): Promise<void> {
  if (context.host !== undefined) throw new Error(`The log of the engine on ${context.host} is there, in the file that berth --host ${context.host} engine status names; read it by ssh`);
  if (!existsSync(path)) {
    context.stderr.write(`There is no log yet at ${path}.\n`);
    return;
  }
  let at = await copyFrom(path, 0, context.stdout);
  if (!follow) return;
  const watcher = watch(path);
  context.signal.addEventListener('abort', () => watcher.close(), { once: true });
  let queue: Promise<unknown> = Promise.resolve();
  watcher.on('change', () => {
    queue = queue.then(async () => {
      if ((await stat(path)).size < at) at = 0;
      at = await copyFrom(path, at, context.stdout);
    });
  });
  await new Promise<void>((resolve) => watcher.once('close', resolve));
}

async function copyFrom(path: string, from: number, out: NodeJS.WritableStream): Promise<number> {
  let at = from;
  for await (const chunk of createReadStream(path, { start: from }) as AsyncIterable<Buffer>) {
    at += chunk.length;
    out.write(chunk);
  }
  return at;
}
