import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { volumeSchema } from '../../../api/docker/volume.ts';
import type { CliContext } from '../../context.ts';
import { checkArchiveTarget, writeArchive } from '../../streams/toFile.ts';

const list = (value: string, before: string[] = []): string[] => [...before, value];

/** `berth volume export` and `berth volume import`. */
export function registerArchives(group: Command, context: CliContext): void {
  group
    .command('export <name>')
    .description("write a volume's files as a tar (default: stdout), with owners, extended attributes and holes")
    .option('-o, --output <file>', 'the tar')
    .action((name: string, options: { output?: string }) => exportVolume(context, name, options.output));
  group
    .command('import <name> [file]')
    .description('fill a new or empty volume from a tar, plain or compressed with gzip or zstd (default: stdin); all of it or nothing')
    .option('-i, --input <file>', 'the tar')
    .option('--replace', 'also when the volume is not empty: what it holds goes', false)
    .option('--label <label>', 'key=value, of a new volume', list)
    .action((name: string, file: string | undefined, options: { input?: string; replace: boolean; label?: string[] }) => importVolume(context, name, options.input ?? file, options));
}

async function exportVolume(context: CliContext, name: string, output: string | undefined): Promise<void> {
  checkArchiveTarget(context, 'volume export', output);
  const client = await context.engine();
  await writeArchive(context, await client.stream('GET', `/berth/v1/volumes/${encodeURIComponent(name)}/archive`, { signal: context.signal }), output);
}

async function importVolume(context: CliContext, name: string, file: string | undefined, { replace, label }: { readonly replace: boolean; readonly label?: string[] }): Promise<void> {
  if (file === undefined && context.stdin.isTTY) throw new Error('berth volume import: give a file, or pipe a tar in');
  const path = file === undefined || file === '-' ? undefined : resolve(context.cwd, file);
  if (path !== undefined) await access(path);
  const client = await context.engine();
  const { Name } = await client.json('PUT', `/berth/v1/volumes/${encodeURIComponent(name)}/archive`, volumeSchema, { body: path === undefined ? context.stdin : createReadStream(path), headers: { 'Content-Type': 'application/x-tar' }, query: { replace: replace ? 1 : 0, label }, signal: context.signal });
  context.stdout.write(`${Name}\n`);
}
