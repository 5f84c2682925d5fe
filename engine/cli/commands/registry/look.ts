import type { Command } from 'commander';
import { z } from 'zod';
import { referrerListSchema, searchResultSchema, tagListSchema } from '../../../api/docker/registry.ts';
import { registryOf } from '../../../api/docker/registryHost.ts';
import type { CliContext } from '../../context.ts';
import { followProgress } from '../../output/pullProgress.ts';
import { formatTable } from '../../output/table.ts';
import { formatSize } from '../../output/units.ts';
import { authHeaders, headersFor } from '../../registry/credentials.ts';

/** `berth tags` and `berth search`. */
export function registerLook(parent: Command, context: CliContext): void {
  parent
    .command('tags <repository>')
    .description('list the tags that a registry has of a repository')
    .option('--json', 'as JSON')
    .action(async (repository: string, options: { json?: boolean }) => {
      const { tags } = await (await context.engine()).json('GET', '/berth/v1/registry/tags', tagListSchema, { query: { name: repository }, headers: await authHeaders(context.env, repository), signal: context.signal });
      context.stdout.write(options.json === true ? `${JSON.stringify(tags)}\n` : tags.map((tag) => `${tag}\n`).join(''));
    });
  parent
    .command('search <term>')
    .description('search Docker Hub, or the registry that the term begins with (registry.example/app)')
    .option('--limit <count>', 'how many at most', '25')
    .option('--json', 'as JSON')
    .action((term: string, options: { limit: string; json?: boolean }) => search(context, term, options));
}

async function search(context: CliContext, term: string, { limit, json }: { limit: string; json?: boolean }): Promise<void> {
  const client = await context.engine();
  const found = await client.json('GET', '/images/search', z.array(searchResultSchema), { query: { term, limit }, headers: await headersFor(context.env, registryOf(term)), signal: context.signal });
  if (json === true) context.stdout.write(`${JSON.stringify(found)}\n`);
  else context.stdout.write(formatTable(['NAME', 'DESCRIPTION', 'STARS', 'OFFICIAL'], found.map((one) => [one.name, one.description.slice(0, 60), String(one.star_count), one.is_official ? '[OK]' : ''])));
}

/** `berth manifest …`. */
export function registerManifest(program: Command, context: CliContext): void {
  const group = program.command('manifest').description('manifests and indexes in registries');
  group
    .command('inspect <image>')
    .description('print the manifest or index that a registry has under this name')
    .action(async (image: string) => {
      const answer = await (await context.engine()).stream('GET', '/berth/v1/registry/manifest', { query: { name: image }, headers: await authHeaders(context.env, image), signal: context.signal });
      const chunks: Buffer[] = [];
      for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      // A terminal gets it readable; a pipe the very bytes, whose digest is the image's.
      context.stdout.write(context.stdout.isTTY ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : text);
    });
  group
    .command('referrers <image>')
    .description('list what refers to an image: signatures, descriptions of contents')
    .option('--artifact-type <type>', 'only these')
    .action((image: string, options: { artifactType?: string }) => referrers(context, image, options.artifactType));
  group
    .command('push <name> <images...>')
    .description('push images of several platforms and an index of them under one name')
    .action(async (name: string, images: string[]) => {
      await followProgress(await context.engine(), 'POST', '/berth/v1/registry/index', { json: { name, images }, headers: await authHeaders(context.env, name), signal: context.signal }, context.stdout);
    });
}

async function referrers(context: CliContext, image: string, artifactType: string | undefined): Promise<void> {
  const client = await context.engine();
  const { manifests } = await client.json('GET', '/berth/v1/registry/referrers', referrerListSchema, { query: { name: image, artifactType }, headers: await authHeaders(context.env, image), signal: context.signal });
  context.stdout.write(formatTable(['ARTIFACT TYPE', 'DIGEST', 'SIZE'], manifests.map((one) => [one.artifactType ?? one.mediaType, one.digest, formatSize(one.size)])));
}
