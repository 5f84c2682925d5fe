import * as modules from 'node:module';
import { join } from 'node:path';
import { realpathSync } from 'node:fs';
import type { DoctorReport } from './api/berth/doctor.ts';
import { engineNodeFlags } from './api/berth/engine.ts';
import { ApiClient } from './api/client.ts';
import { configFromEnvironment } from './base/config.ts';
import type { EngineConfig } from './base/config.ts';
import type { CliContext } from './cli/context.ts';
import { registerContainerCommands } from './cli/commands/container/register.ts';
import { registerDevContainerCommands } from './cli/commands/devcontainer/register.ts';
import { registerImageCommands } from './cli/commands/image/register.ts';
import { registerClone } from './cli/commands/clone.ts';
import { registerSyncCommands } from './cli/commands/sync/register.ts';
import { registerSystemCommands } from './cli/commands/system/register.ts';
import { registerDoctorCommand } from './cli/doctor.ts';
import { registerEngineCommands } from './cli/engineCommands.ts';
import { handOver } from './cli/pinnedNode.ts';
import { createProgram, runProgram } from './cli/program.ts';
import { connectOrStart } from './cli/startEngine.ts';
import { start, startFailure } from './host/process.ts';
import { version } from './version.ts';

/** The composition root of `berth …`; that of the engine itself is mainEngine.ts, loaded only when it serves. */
async function main(script: string, argv: readonly string[]): Promise<void> {
  const config = configFromEnvironment(process.env);
  const interrupted = new AbortController();
  const client = new ApiClient(config.socketPath);
  const launcher = { program: process.execPath, args: [...engineNodeFlags, script], env: process.env };
  const context: CliContext = {
    client,
    engine: () => connectOrStart(client, launcher),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: interrupted.signal,
    setExitStatus: (status) => {
      process.exitCode = status;
    },
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  process.stdout.on('error', () => process.exit(0)); // the reader of a pipe left
  const program = createProgram(version, context, [
    registerDevContainerCommands,
    registerContainerCommands,
    registerImageCommands,
    registerSystemCommands,
    registerSyncCommands(launcher),
    registerClone,
    registerDoctorCommand({ probe: () => probe(config), run: runOnTerminal }),
    registerEngineCommands({
      logFile: join(config.dataRoot, 'engine.log'),
      serve: async (options) => (await import('./mainEngine.ts')).serve(config, options, interrupted.signal),
    }),
  ]);
  await runProgram(program, argv, context);
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

async function begin(): Promise<void> {
  // A link in a folder of PATH leads here: what belongs to the bundle is beside the file itself.
  const script = realpathSync(process.argv[1] ?? '');
  const handed = await handOver(script, process.argv.slice(2));
  if (handed !== undefined) process.exit(handed);
  modules.enableCompileCache();
  await main(script, process.argv.slice(2));
}

void begin();
