import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerLogin } from './login.ts';
import { registerLook, registerManifest } from './look.ts';
import { registerServe } from './serve.ts';

/** What has to do with registries. */
export function registerRegistryCommands(program: Command, context: CliContext): void {
  registerLogin(program, context);
  registerLook(program, context);
  registerManifest(program, context);
  registerServe(program.command('registry').description('a registry of your own'), context);
}
