import { Command, CommanderError } from 'commander';
import { ApiError, ConnectError } from '../api/client.ts';
import type { CliContext } from './context.ts';

export type Registration = (program: Command, context: CliContext) => void;

/** Builds the root command from the registrations of its parts. */
export function createProgram(version: string, context: CliContext, registrations: readonly Registration[]): Command {
  const program = new Command('berth');
  program
    .description('Dev containers with the engine included')
    .version(version, '-v, --version')
    .enablePositionalOptions()
    .showHelpAfterError('(berth --help lists the commands)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => void context.stdout.write(text), writeErr: (text) => void context.stderr.write(text) });
  for (const register of registrations) register(program, context);
  // Subcommands made by addCommand do not inherit exitOverride.
  for (const command of allCommands(program)) command.exitOverride();
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => allCommands(child))];
}

/** Runs the command line and returns the exit status; errors become one line for people, with the stable code. */
export async function runProgram(program: Command, argv: readonly string[], context: CliContext): Promise<void> {
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      context.setExitStatus(error.exitCode === 0 ? 0 : 2);
      return;
    }
    if (context.signal.aborted && isAbort(error)) {
      context.setExitStatus(130);
      return;
    }
    context.stderr.write(`berth: ${describeError(error)}\n`);
    context.setExitStatus(error instanceof ConnectError ? 125 : 1);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'));
}

/** One line for people about any error, with its stable code. */
export function describeError(error: unknown): string {
  if (error instanceof ApiError) return error.code ? `${error.message} [${error.code}]` : error.message;
  if (error instanceof ConnectError) return `${error.message}. ${connectHint(error.reason)}`;
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' && 'params' in error ? `${error.message} [${error.code}]` : error.message;
  return String(error);
}

function connectHint(reason: string): string {
  if (reason === 'EACCES' || reason === 'EPERM') return 'The socket belongs to another user (mode 0600): run berth as that user, for instance with sudo. [PERMISSION_DENIED]';
  return 'No engine runs there: start one with berth engine start, or see berth doctor. [ENGINE_NOT_RUNNING]';
}
