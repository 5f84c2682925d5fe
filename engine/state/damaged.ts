import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What `readJsonFile` and its kin put behind the name of a file that they could not use. */
const ASIDE = /^(.+)\.damaged-\d+$/;
/** Folders of files that are not ours to read. */
const CONTENTS = new Set(['fs', 'replaced', '_data', 'upper', 'work', 'rootfs', 'mountpoints', 'blobs', 'skeleton', 'editor', 'tmp', 'build-contexts']);
const DEPTH = 3;

export interface DamagedRecord {
  readonly path: string;
  /** The file it was, when it has been set aside. */
  readonly was?: string;
}

/** The engine's own JSON files below a folder that were set aside because they were damaged; with `read`, also those that are damaged now. */
export async function damagedRecords(root: string, { read }: { readonly read: boolean }, depth = DEPTH): Promise<DamagedRecord[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry): Promise<DamagedRecord[]> => {
      const path = join(root, entry.name);
      if (entry.isDirectory()) return depth > 1 && !CONTENTS.has(entry.name) ? damagedRecords(path, { read }, depth - 1) : [];
      const was = entry.isFile() ? ASIDE.exec(entry.name)?.[1] : undefined;
      if (was !== undefined) return [{ path, was: join(root, was) }];
      return read && entry.isFile() && entry.name.endsWith('.json') && !entry.name.startsWith('.tmp-') && (await isDamaged(path)) ? [{ path }] : [];
    }),
  );
  return found.flat();
}

async function isDamaged(path: string): Promise<boolean> {
  // One that goes while we look is not damaged.
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}

/** Which object a record is about, for people: `container 0123456789ab`, `network net1`, … */
export function objectOf(path: string, root: string): string {
  const [folder = '', name = ''] = path.slice(root.length + 1).split('/');
  const plain = basename(name, '.json').replace(/\.json\.damaged-\d+$/, '');
  const kinds: Readonly<Record<string, string>> = { containers: 'container', networks: 'network', volumes: 'volume', snapshots: 'layer', content: 'the index of images', netns: 'the network of container', workspaces: 'workspace', endpoints: 'SSH endpoint', 'build-cache': 'the build cache' };
  const kind = kinds[folder];
  if (kind === undefined) return path;
  return kind.startsWith('the index') || kind.startsWith('the build') ? kind : `${kind} ${plain.slice(0, folder === 'containers' || folder === 'netns' ? 12 : 64)}`;
}
