import { join } from 'node:path';
import type { DoctorReport } from './api/berth/doctor.ts';
import { engineNodeFlags } from './api/berth/engine.ts';
import { ApiClient } from './api/client.ts';
import { configFromEnvironment } from './base/config.ts';
import type { EngineConfig } from './base/config.ts';
import { addHostOption, ChosenHost } from './cli/chosenHost.ts';
import type { CliContext } from './cli/context.ts';
import { folderOnHost } from './cli/engineFolder.ts';
import type { SyncParts } from './cli/engineFolder.ts';
import { createProgram, runProgram } from './cli/program.ts';
import { connectOrStart } from './cli/startEngine.ts';
import { start, startFailure } from './host/process.ts';
import { commandGroups, loadGroups, neededGroups } from './mainCommands.ts';
import { composeRemote } from './mainRemote.ts';
import { SyncRecords, syncStateFolder } from './remote/sync/syncRecord.ts';
import type { HostReach } from './mainRemote.ts';
import { version } from './version.ts';

/** In a file of its own (webpack.config.js): what only an engine does, no other command reads. */
const engine = () => import(/* webpackMode: "lazy", webpackChunkName: "berth-engine" */ './mainEngine.ts');

/** The composition root of `berth …`; that of the engine itself is mainEngine.ts, loaded only when it serves. `script`: what runs this command again. */
export async function runCli(script: string, argv: readonly string[], reach: HostReach): Promise<void> {
  const config = configFromEnvironment(process.env);
  await ownSharedPlace(config);
  const interrupted = new AbortController();
  const client = new ApiClient(config.socketPath);
  const launcher = { program: process.execPath, args: [...engineNodeFlags, script], env: process.env };
  const local = { client, engine: () => connectOrStart(client, launcher) };
  const remote = composeRemote({ env: process.env, reach, launcher, local: local.engine, interrupted: interrupted.signal });
  const chosen = new ChosenHost(remote, local);
  const own = {
    words: [process.execPath, script],
    get host() {
      return chosen.name;
    },
  };
  const syncs = { records: new SyncRecords(syncStateFolder(process.env)), launcher };
  const context = cliContext(chosen, syncs, interrupted.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  process.stdout.on('error', () => process.exit(0)); // the reader of a pipe left
  const groups = commandGroups({
    own,
    launcher,
    every: (one) => chosen.every(one),
    remote,
    doctor: { probe: () => probe(config), run: runOnTerminal },
    engine: {
      local: local.engine,
      dataRoot: config.dataRoot,
      removeData: async () => (await engine()).removeData(config),
      logFile: join(config.dataRoot, 'engine.log'),
      serve: async (options) => (await engine()).serve(config, options, interrupted.signal),
    },
  });
  const program = createProgram(version, context, await loadGroups(neededGroups(groups, argv)));
  addHostOption(program, (option) => chosen.choose(option, process.env));
  await runProgram(program, argv, context);
}

function cliContext(chosen: ChosenHost, syncs: SyncParts, signal: AbortSignal): CliContext {
  const context: CliContext = {
    get client() {
      return chosen.client;
    },
    get host() {
      return chosen.name;
    },
    engine: () => chosen.engine(context),
    engineFolder: (folder, { begin }) => (chosen.name === undefined ? Promise.resolve(folder) : folderOnHost(context, syncs, chosen.name, folder, begin)),
    portsHere: () => chosen.portsHere(),
    reachHere: (port, path) => chosen.reachHere(port, path),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal,
    setExitStatus: (status) => {
      process.exitCode = status;
    },
  };
  return context;
}

/** Without XDG_RUNTIME_DIR an ordinary user's socket is below /tmp, where it must not be somebody else's. */
async function ownSharedPlace(config: EngineConfig): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const place = `/tmp/berth-${uid}`;
  if (uid !== 0 && config.runRoot.startsWith(`${place}/`)) await (await import('./host/rootless/privateFolder.ts')).makePrivateFolder(place, uid);
}

async function probe(config: EngineConfig): Promise<DoctorReport> {
  const [{ probeHost }, { realHostView }] = await Promise.all([import('./host/probe.ts'), import('./host/probeView.ts')]);
  return probeHost(realHostView(), config);
}

/** Runs one command with our terminal as its own. */
function runOnTerminal([program = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, { stdio: 'inherit' });
    child.once('error', (error) => reject(startFailure(program, error)));
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
