import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { ApiClient } from './api/client.ts';
import { configFromEnvironment } from './base/config.ts';
import type { CliContext } from './cli/context.ts';
import { registerEngineCommands } from './cli/engineCommands.ts';
import { createProgram, runProgram } from './cli/program.ts';
import { connectOrStart } from './cli/startEngine.ts';
import { version } from './version.ts';

/** The composition root of `berth …`; that of the engine itself is mainEngine.ts, loaded only when it serves. */
async function main(argv: readonly string[]): Promise<void> {
  const config = configFromEnvironment(process.env);
  const interrupted = new AbortController();
  const client = new ApiClient(config.socketPath);
  const launcher = { program: process.execPath, args: [resolve(process.argv[1] ?? '')], env: process.env };
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
    registerEngineCommands({
      logFile: join(config.dataRoot, 'engine.log'),
      serve: async (options) => (await import('./mainEngine.ts')).serve(config, options, interrupted.signal),
    }),
  ]);
  await runProgram(program, argv, context);
}

enableCompileCache();
void main(process.argv.slice(2));
