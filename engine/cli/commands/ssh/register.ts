import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerSshConfig } from './config.ts';
import { registerSshProxy } from './proxy.ts';
import type { OwnCommand } from './sync.ts';

/** `berth ssh-config` and the hidden `berth ssh-proxy`. */
export function registerSshCommands(own: OwnCommand): (program: Command, context: CliContext) => void {
  return (program, context) => {
    registerSshConfig(own)(program, context);
    registerSshProxy(program, context);
  };
}
