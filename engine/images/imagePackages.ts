import { Buffer } from 'node:buffer';
import type { ImageDiff } from '../api/berth/image.ts';
import type { TreeEntry } from './imageTree.ts';

interface Reader {
  read(snapshotId: string, path: string): AsyncIterable<Buffer>;
}

/** Where Debian's dpkg and Alpine's apk keep what is installed. Images without a package manager have a file for each package in `status.d`. */
const DPKG = /^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/;
const APK = /^(lib|usr\/lib)\/apk\/db\/installed$/;

/** Names and versions of what is installed in an image. */
export async function packagesIn(files: Reader, tree: ReadonlyMap<string, TreeEntry>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [path, { entry, snapshotId }] of tree) {
    const isDpkg = DPKG.test(path);
    if (entry.type !== 'file' || (!isDpkg && !APK.test(path))) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of files.read(snapshotId, path)) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    for (const [name, version] of isDpkg ? dpkgPackages(text) : apkPackages(text)) found.set(name, version);
  }
  return found;
}

/** Paragraphs of `Field: value`; what was removed but for its configuration is not installed. */
export function* dpkgPackages(text: string): Generator<[string, string]> {
  for (const paragraph of text.split(/\n\n+/)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version, status] = [field('Package'), field('Version'), field('Status')];
    if (name !== undefined && version !== undefined && (status === undefined || / installed$/.test(status))) yield [name, version];
  }
}

export function* apkPackages(text: string): Generator<[string, string]> {
  for (const paragraph of text.split(/\n\n+/)) {
    const name = /^P:(.*)$/m.exec(paragraph)?.[1];
    const version = /^V:(.*)$/m.exec(paragraph)?.[1];
    if (name !== undefined && version !== undefined) yield [name, version];
  }
}

export function diffPackages(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ImageDiff['packages'] {
  const only = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): Array<{ name: string; version: string }> => [...one].filter(([name]) => !other.has(name)).map(([name, version]) => ({ name, version }));
  const changed = [...after].flatMap(([name, version]) => {
    const old = before.get(name);
    return old === undefined || old === version ? [] : [{ name, from: old, to: version }];
  });
  return { added: only(after, before), removed: only(before, after), changed };
}
