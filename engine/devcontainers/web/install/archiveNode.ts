import { copyFile, mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { toolsFolder } from '../../plan/planTools.ts';
import { editorRelease } from './release.ts';

/** What an engine that was carried to its host knows of itself: where its folder is written in its programs, and with how much room. */
const relocationsSchema = z.object({ room: z.number(), places: z.array(z.object({ file: z.string(), offset: z.number(), suffix: z.string() })) });

const NODE = 'app/node';
const loader = { x64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as const;
/** What Node and the editor's add-ons need of its libraries. */
const needed = ['libc.so.6', 'libdl.so.2', 'libgcc_s.so.1', 'libm.so.6', 'libnss_dns.so.2', 'libnss_files.so.2', 'libpthread.so.0', 'libresolv.so.2', 'librt.so.1', 'libstdc++.so.6', 'libutil.so.1'];

/**
 * The Node of an engine that was carried to its host, which brings its loader and libraries, as one that runs in any container. `node`: the
 * engine's own. False: that one belongs to the host, and nothing was done.
 */
export async function bringArchiveNode(bundle: string, node = process.execPath): Promise<boolean> {
  const home = dirname(dirname(node));
  const text = await readFile(join(home, 'relocations.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const { room, places } = relocationsSchema.parse(JSON.parse(text));
  await mkdir(join(bundle, 'lib'), { mode: 0o755 });
  for (const name of [loader[process.arch as keyof typeof loader], ...needed]) await copyFile(join(home, 'lib', name), join(bundle, 'lib', name));
  const copy = join(bundle, 'bin/node');
  await copyFile(join(home, NODE), copy);
  await using file = await open(copy, 'r+');
  for (const { offset, suffix } of places.filter((place) => place.file === NODE)) {
    const path = Buffer.alloc(room + suffix.length);
    path.write(`${toolsFolder}/${editorRelease.version}${suffix}`);
    await file.write(path, 0, path.length, offset);
  }
  return true;
}
