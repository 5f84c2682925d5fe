import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ApiClient } from '../../engine/api/client.ts';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { run, start } from '../../engine/host/process.ts';
import { connectSync } from '../../engine/remote/sync/connectSync.ts';
import { SyncSession } from '../../engine/remote/sync/syncSession.ts';

/** node test/bench/sync.ts [folder]: 10,000 small files, a sync beside rsync on the same disk. Both work through two processes and a local connection. */

export const FILES = 10_000;

export interface SyncFigures {
  /** Milliseconds. */
  readonly firstCopy: number;
  readonly nothingNew: number;
  /** From a write to its arrival. */
  readonly oneFile: number;
}

/** Small files in many folders. */
export async function makeFiles(folder: string): Promise<void> {
  for (let index = 0; index < FILES; index++) {
    const path = join(folder, `d${index % 100}`, `e${index % 500}`, `f${index}`);
    if (index < 500) await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `content ${index} `.repeat(20 + (index % 200)));
  }
  await run('sync', ['-f', folder]);
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** A sync to an empty folder, from the start of both processes' work to equality on both disks. */
export async function measureSync(folder: string, source: string, cleanup: CleanupStack): Promise<SyncFigures> {
  const child = start(process.execPath, [resolve(import.meta.dirname, '../support/syncServerChild.ts'), join(folder, 'data')], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanup.defer(() => void child.kill());
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const client = new ApiClient(line.toString().trim());
  cleanup.defer(() => rm(dirname(client.socketPath), { recursive: true, force: true }));
  const record = { id: 'b'.repeat(16), local: source, remote: join(folder, 'synced'), socketPath: client.socketPath, ignore: [], gitignore: true, created: '' };
  const session = await SyncSession.open({ record, stateFolder: join(folder, 'state'), connect: (signal) => connectSync(client, record, signal) });
  cleanup.defer(() => session.close());
  const firstCopy = await timed(() => {
    session.begin();
    return session.flush();
  });
  const nothingNew = await timed(() => session.flush());
  const oneFile = await timed(async () => {
    await writeFile(join(source, 'one'), 'one');
    while (!existsSync(join(record.remote, 'one'))) await delay(1);
  });
  return { firstCopy, nothingNew, oneFile };
}

export async function measureRsync(folder: string, source: string): Promise<SyncFigures> {
  const copy = (): Promise<unknown> => run('rsync', ['-a', '--delete', `${source}/`, `${join(folder, 'rsynced')}/`]);
  const firstCopy = await timed(async () => {
    await copy();
    await run('sync', ['-f', folder]);
  });
  const nothingNew = await timed(copy);
  await writeFile(join(source, 'two'), 'two');
  return { firstCopy, nothingNew, oneFile: await timed(copy) };
}

async function main(): Promise<void> {
  await using cleanup = new CleanupStack();
  const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'berth-bench-sync-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const source = join(folder, 'source');
  await makeFiles(source);
  const rsync = await measureRsync(folder, source);
  const sync = await measureSync(folder, source, cleanup);
  const row = (title: string, of: keyof SyncFigures): string => `| ${title} | ${sync[of].toFixed(0)} ms | ${rsync[of].toFixed(0)} ms | ${(sync[of] / rsync[of]).toFixed(2)} × |`;
  console.log(['| what | Berth | rsync | ratio |', '| --- | --- | --- | --- |', row(`first copy of ${FILES} small files, on disk`, 'firstCopy'), row('nothing new', 'nothingNew'), row('one new file (rsync: one run)', 'oneFile')].join('\n'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
