import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import type { CorpusCase } from './dockerfileCorpus.ts';

/** Writes a case's context with its Dockerfile into a folder of its own; modes do not depend on who runs the tests. */
export async function writeContext(folder: string, { dockerfile, files, archives }: CorpusCase): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, contents] of Object.entries(archives)) {
    const inside = `${folder}.${name}.d`;
    await writeFiles(inside, contents);
    await run('tar', ['-cf', join(folder, name), '--sort=name', '--owner=0', '--group=0', '-C', inside, ...Object.keys(contents).map((path) => path.split('/')[0] ?? '').filter((one, index, all) => all.indexOf(one) === index)]);
  }
  await writeFiles(folder, { ...files, Dockerfile: dockerfile });
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, text);
    await chmod(file, 0o644);
  }
}
