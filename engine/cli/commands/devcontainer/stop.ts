import type { Command } from 'commander';
import { z } from 'zod';
import { devContainerSchema } from '../../../api/berth/devcontainer.ts';
import type { CliContext } from '../../context.ts';
import { stopContainers } from '../container/lifeCycle.ts';
import { isFolder, referenceHelp } from '../container/reference.ts';
import { targetOf, withConfigOption } from './target.ts';
import type { TargetOptions } from './target.ts';

const stopped = z.array(devContainerSchema);

/** `berth stop`: dev containers by folder, containers by name. */
export function registerStop(parent: Command, context: CliContext): void {
  withConfigOption(parent.command('stop [targets...]'))
    .summary('stop dev containers and containers')
    .description(`stop dev containers and containers. ${referenceHelp} Default: the dev container of this folder`)
    .option('-t, --time <seconds>', 'seconds to wait before killing')
    .action(async (targets: string[], options: TargetOptions & { time?: string }) => {
      for (const target of targets.length === 0 ? ['.'] : targets) await stop(context, target, options);
    });
}

async function stop(context: CliContext, target: string, options: TargetOptions & { time?: string }): Promise<void> {
  if (!isFolder(target)) {
    await stopContainers(context, [target], options.time);
    return;
  }
  const client = await context.engine();
  const json = { ...(await targetOf(context, target, options)), ...(options.time === undefined ? {} : { timeout: Number(options.time) }) };
  const found = await client.json('POST', '/berth/v1/devcontainers/stop', stopped, { json });
  for (const one of found) context.stdout.write(`${one.folder}\n`);
}
