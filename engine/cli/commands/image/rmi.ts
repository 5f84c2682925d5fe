import type { Command } from 'commander';
import { z } from 'zod';
import { imageDeleteItemSchema } from '../../../api/docker/image.ts';
import type { CliContext } from '../../context.ts';

/** `berth rmi` and `berth image rm`. */
export function registerRmi(parent: Command, context: CliContext, name = 'rmi'): void {
  parent
    .command(`${name} <images...>`)
    .description('remove images')
    .option('-f, --force', 'also when a stopped container uses it, or it has several names')
    .action((images: string[], options: { force?: boolean }) => removeImages(context, images, options.force ?? false));
}

async function removeImages(context: CliContext, images: readonly string[], force: boolean): Promise<void> {
  const client = await context.engine();
  const failures: unknown[] = [];
  for (const image of images) {
    try {
      const removed = await client.json('DELETE', `/images/${image}`, z.array(imageDeleteItemSchema), { query: { force: force ? 1 : 0 } });
      for (const one of removed) context.stdout.write(one.Untagged === undefined ? `Deleted: ${one.Deleted ?? ''}\n` : `Untagged: ${one.Untagged}\n`);
    } catch (error) {
      failures.push(error);
      if (images.length > 1) context.stderr.write(`berth: ${image}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  if (failures.length > 0) throw failures[0];
}
