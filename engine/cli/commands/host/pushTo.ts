import { Transform } from 'node:stream';
import type { Command } from 'commander';
import { layerListSchema } from '../../../api/berth/image.ts';
import { ApiError } from '../../../api/client.ts';
import type { ApiClient } from '../../../api/client.ts';
import { imageInspectSchema } from '../../../api/docker/image.ts';
import { localHost } from '../../../remote/hosts.ts';
import type { CliContext } from '../../context.ts';
import { followProgress } from '../../output/pullProgress.ts';
import { formatSize } from '../../output/units.ts';
import { askOnTerminal } from '../../terminal/askOnTerminal.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** `berth image push-to`. */
export function registerPushTo(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('push-to <host> <image>')
    .description('copy an image to the engine of another host (local: this machine), only the layers that are missing there; --host says where from')
    .action(async (host: string, image: string) => {
      const from = await context.engine();
      const to = host === localHost ? await remote.local() : await reach(context, remote, host);
      try {
        await transfer(context, from, to, image);
      } catch (error) {
        // A layer that was there may have been pruned since: then it is missing now.
        if (!(error instanceof ApiError) || error.code !== 'NOT_AN_IMAGE_ARCHIVE') throw error;
        await transfer(context, from, to, image);
      }
    });
}

async function reach(context: CliContext, remote: RemoteHosts, name: string): Promise<ApiClient> {
  await remote.hosts.find(name);
  return remote.link(name).reach({ ask: askOnTerminal(context), report: () => undefined, signal: context.signal });
}

async function transfer({ stderr, stdout, signal }: CliContext, from: ApiClient, to: ApiClient, image: string): Promise<void> {
  const { RootFS } = await from.json('GET', `/images/${encodeURIComponent(image)}/json`, imageInspectSchema, { signal });
  const all = [...new Set(RootFS.Layers)];
  const { layers: present } = await to.json('POST', '/berth/v1/images/layers', layerListSchema, { json: { layers: all }, signal });
  stderr.write(`${all.length - present.length} of ${all.length} layers are missing there.\n`);
  const archive = await from.stream('GET', '/berth/v1/images/archive', { query: { name: image, without: present }, signal });
  let bytes = 0;
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  archive.on('error', (error) => counted.destroy(error));
  await followProgress(to, 'POST', '/images/load', { body: archive.pipe(counted), headers: { 'Content-Type': 'application/x-tar' }, query: { quiet: 1 }, signal }, stdout);
  stderr.write(`${formatSize(bytes)} were sent.\n`);
}
