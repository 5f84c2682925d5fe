import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';

export const IMAGE = 'berth-bench:base';

/** A docker-save archive of one layer, Debian's minimal system: the very bytes that both engines load. */
export async function makeImageArchive(folder: string): Promise<string> {
  const content = join(folder, 'image');
  await mkdir(content, { recursive: true });
  const layer = await baseTar();
  await link(layer, join(content, 'layer.tar')).catch(() => symlink(layer, join(content, 'layer.tar')));
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '2024-01-01T00:00:00Z',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256Of(layer)}`] },
    history: [{ created: '2024-01-01T00:00:00Z', created_by: 'mmdebstrap' }],
  });
  await writeFile(join(content, 'config.json'), config);
  await writeFile(join(content, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }]));
  const archive = join(folder, 'image.tar');
  await run('tar', ['-C', content, '--dereference', '-cf', archive, 'manifest.json', 'config.json', 'layer.tar']);
  return archive;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
