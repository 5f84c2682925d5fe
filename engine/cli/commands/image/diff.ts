import type { Command } from 'commander';
import { imageDiffSchema } from '../../../api/berth/image.ts';
import type { ImageDiff } from '../../../api/berth/image.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { formatSize } from '../../output/units.ts';

/** `berth image diff`. */
export function registerImageDiff(parent: Command, context: CliContext): void {
  parent
    .command('diff <from> <to>')
    .description('show which files and packages differ between two images')
    .option('--packages', 'only the packages')
    .option('--json', 'print JSON')
    .action(async (from: string, to: string, options: { packages?: boolean; json?: boolean }) => {
      const diff = await diffOf(await context.engine(), from, to, context.signal);
      if (options.json === true) context.stdout.write(`${JSON.stringify(diff)}\n`);
      else for (const line of [...(options.packages === true ? [] : fileLines(diff)), ...packageLines(diff)]) context.stdout.write(`${line}\n`);
    });
}

function diffOf(client: ApiClient, from: string, to: string, signal: AbortSignal): Promise<ImageDiff> {
  return client.json('GET', '/berth/v1/images/diff', imageDiffSchema, { query: { from, to }, signal });
}

/** What differs between two images, a line for each file and package. */
export async function differences(client: ApiClient, from: string, to: string, signal: AbortSignal): Promise<string[]> {
  const diff = await diffOf(client, from, to, signal);
  return [...fileLines(diff), ...packageLines(diff)];
}

/** As `docker diff`: A, D and C, and what changed. */
function fileLines({ added, removed, changed }: ImageDiff): string[] {
  const lines = [
    ...added.map(({ path, size }) => ({ path, line: `A ${path}${size > 0 ? ` (${formatSize(size)})` : ''}` })),
    ...removed.map(({ path }) => ({ path, line: `D ${path}` })),
    ...changed.map(({ path, what }) => ({ path, line: `C ${path} (${what.join(', ')})` })),
  ];
  return lines.sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ line }) => line);
}

function packageLines({ packages }: ImageDiff): string[] {
  return [
    ...packages.added.map(({ name, version }) => `+ package ${name} ${version}`),
    ...packages.removed.map(({ name, version }) => `- package ${name} ${version}`),
    ...packages.changed.map(({ name, from, to }) => `~ package ${name} ${from} → ${to}`),
  ];
}
