import type { Command } from 'commander';
import { diskUsageSchema } from '../../../api/docker/diskUsage.ts';
import type { DiskUsage } from '../../../api/docker/diskUsage.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { formatSize } from '../../output/units.ts';
import { describeError } from '../../program.ts';

/** Engines to ask: this machine's and those of the hosts, by name. */
export type EveryEngine = (context: CliContext) => Promise<ReadonlyArray<readonly [name: string, engine: () => Promise<ApiClient>]>>;

interface Line {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
}

/** `berth system df`. */
export function registerDiskUsage(system: Command, context: CliContext, everyEngine: EveryEngine): void {
  system
    .command('df')
    .description('show what images, containers, volumes and the build cache take on disk')
    .option('--all-hosts', 'of this machine and of every host', false)
    .option('--json', 'print JSON', false)
    .action((options: { allHosts: boolean; json: boolean }) => (options.allHosts ? ofAllHosts(context, everyEngine, options.json) : ofOne(context, options.json)));
}

async function ofOne(context: CliContext, json: boolean): Promise<void> {
  const lines = summary(await ask(await context.engine(), context));
  context.stdout.write(json ? `${JSON.stringify(lines)}\n` : formatTable(['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'], lines.map(cells)));
}

/** A host that cannot be reached does not keep the others from being shown; the exit status tells. */
async function ofAllHosts(context: CliContext, everyEngine: EveryEngine, json: boolean): Promise<void> {
  const results = await Promise.all(
    (await everyEngine(context)).map(async ([host, engine]) => {
      try {
        return { host, lines: summary(await ask(await engine(), context)) };
      } catch (error) {
        return { host, error: describeError(error) };
      }
    }),
  );
  if (results.some(({ error }) => error !== undefined)) context.setExitStatus(1);
  if (json) {
    context.stdout.write(`${JSON.stringify(results)}\n`);
    return;
  }
  const rows = results.flatMap(({ host, lines }) => (lines ?? []).map((line) => [host, ...cells(line)]));
  context.stdout.write(formatTable(['HOST', 'TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'], rows));
  for (const { host, error } of results) if (error !== undefined) context.stderr.write(`berth: ${host}: ${error}\n`);
}

function ask(client: ApiClient, context: CliContext): Promise<DiskUsage> {
  return client.json('GET', '/system/df', diskUsageSchema, { signal: context.signal });
}

function cells({ type, total, active, size, reclaimable }: Line): string[] {
  const percent = size > 0 ? ` (${Math.round((reclaimable / size) * 100)}%)` : '';
  return [type, String(total), String(active), formatSize(size), `${formatSize(reclaimable)}${percent}`];
}

/** As Docker's CLI sums it up. Pure. */
export function summary({ LayersSize, Images, Containers, Volumes, BuildCache }: DiskUsage): Line[] {
  const images = Images ?? [];
  const used = images.filter((image) => image.Containers > 0);
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, one) => all + one, 0);
  const containers = (Containers ?? []).map(({ State, SizeRw }) => ({ active: State === 'running' || State === 'paused' || State === 'restarting', size: SizeRw ?? 0 }));
  const volumes = (Volumes ?? []).map(({ UsageData }) => ({ active: (UsageData?.RefCount ?? 0) > 0, size: UsageData?.Size ?? 0 }));
  const cache = (BuildCache ?? []).filter(({ Shared }) => !Shared).map(({ InUse, Size }) => ({ active: InUse, size: Size }));
  const line = (type: string, items: ReadonlyArray<{ readonly active: boolean; readonly size: number }>): Line => ({
    type,
    total: items.length,
    active: items.filter(({ active }) => active).length,
    size: sum(items.map(({ size }) => size)),
    reclaimable: sum(items.filter(({ active }) => !active).map(({ size }) => size)),
  });
  const own = sum(used.map(({ Size, SharedSize }) => Size - Math.max(0, SharedSize)));
  const shared = Math.max(0, ...used.map(({ SharedSize }) => SharedSize));
  const reclaimable = Math.max(0, LayersSize - own - shared);
  return [{ type: 'Images', total: images.length, active: used.length, size: LayersSize, reclaimable }, line('Containers', containers), line('Local Volumes', volumes), line('Build Cache', cache)];
}
