import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { askOnTerminal } from '../../terminal/askOnTerminal.ts';
import type { RemoteHosts } from './remoteHosts.ts';

const marks = { ok: 'ok', warning: 'warning', failed: 'FAILED', skipped: '-' } as const;

/** `berth host doctor`; status 1 when a step failed. */
export function registerHostDoctor(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('doctor <name>')
    .description('go to a host step by step and say where it fails and what to do')
    .option('--json', 'print JSON, one step a line', false)
    .action(async (name: string, options: { json: boolean }) => {
      const host = await remote.hosts.find(name);
      for await (const step of remote.examine(host, askOnTerminal(context), context.signal)) {
        context.stdout.write(options.json ? `${JSON.stringify(step)}\n` : `${marks[step.state].padEnd(9)}${step.name.padEnd(12)}${step.detail}`.trimEnd() + '\n');
        if (step.state === 'failed') context.setExitStatus(1);
      }
    });
}
