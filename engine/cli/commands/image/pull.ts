import type { Command } from 'commander';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { authHeaders } from '../../registry/credentials.ts';
import { followProgress } from '../../output/pullProgress.ts';

/** `berth pull`. */
export function registerPull(parent: Command, context: CliContext): void {
  parent
    .command('pull <image>')
    .description('get an image from its registry')
    .option('--platform <os/arch>', 'platform')
    .option('-q, --quiet', 'do not show progress')
    .action(async (image: string, options: { platform?: string; quiet?: boolean }) => {
      await pullImage(await context.engine(), image, { ...options, headers: await authHeaders(context.env, image), signal: context.signal }, context.stdout, options.quiet ?? false);
      if (options.quiet === true) context.stdout.write(`${image}\n`);
    });
}

/** Pulls an image and prints how it goes. */
export function pullImage(client: ApiClient, image: string, options: { platform?: string | undefined; headers?: Record<string, string>; signal?: AbortSignal }, out: NodeJS.WritableStream, quiet: boolean): Promise<void> {
  return followProgress(client, 'POST', '/images/create', { query: { ...splitReference(image), platform: options.platform }, ...(options.headers ? { headers: options.headers } : {}), ...(options.signal ? { signal: options.signal } : {}) }, out, quiet);
}

/** Docker's two parameters: `fromImage` and `tag` (a tag or a digest; `latest` when there is none). */
export function splitReference(image: string): { fromImage: string; tag: string } {
  const digest = image.indexOf('@');
  if (digest !== -1) return { fromImage: image.slice(0, digest), tag: image.slice(digest + 1) };
  const colon = image.lastIndexOf(':');
  // A colon before a slash belongs to a registry's port.
  return colon > image.lastIndexOf('/') ? { fromImage: image.slice(0, colon), tag: image.slice(colon + 1) } : { fromImage: image, tag: 'latest' };
}
