import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';

export const LAYERED = 'bench/layered:1';

/** A docker-save archive of five layers and some 300 MB: Debian's minimal system, and four copies of parts of it elsewhere. */
export async function makeLayeredArchive(folder: string): Promise<{ archive: string; layers: readonly string[]; bytes: number }> {
  const place = join(folder, 'layered');
  const root = join(place, 'root');
  await mkdir(root, { recursive: true });
  await run('cp', [await baseTar(), join(place, 'layer0.tar')]);
  await run('tar', ['-C', root, '--exclude=dev/*', '-xf', join(place, 'layer0.tar')]);
  const parts = [['usr/lib'], ['usr/share'], ['usr/bin', 'usr/sbin'], ['etc', 'var', 'usr/share/perl5', 'usr/lib/x86_64-linux-gnu/gconv']];
  const layers = [join(place, 'layer0.tar')];
  for (const [index, names] of parts.entries()) {
    const layer = join(place, `layer${index + 1}.tar`);
    const there = (await Promise.all(names.map(async (name) => ((await stat(join(root, name)).catch(() => undefined)) ? name : undefined)))).filter((name) => name !== undefined);
    await run('tar', ['-C', root, '--sort=name', '--numeric-owner', `--transform=s,^,opt/part${index}/,S`, '-cf', layer, ...there]);
    layers.push(layer);
  }
  const config = JSON.stringify({ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', created: '2024-01-01T00:00:00Z', config: { Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: await Promise.all(layers.map(async (layer) => `sha256:${await sha256Of(layer)}`)) } });
  await writeFile(join(place, 'config.json'), config);
  await writeFile(join(place, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [LAYERED], Layers: layers.map((_layer, index) => `layer${index}.tar`) }]));
  await rm(root, { recursive: true, force: true });
  const archive = join(folder, 'layered.tar');
  await run('tar', ['-C', place, '-cf', archive, ...(await readdir(place))]);
  const sizes = await Promise.all(layers.map(async (layer) => (await stat(layer)).size));
  return { archive, layers, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
