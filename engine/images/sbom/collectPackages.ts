import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { z } from 'zod';
import { osReleaseFields } from '../../host/osRelease.ts';
import { APK, DPKG, apkPackages, dpkgPackages } from '../imagePackages.ts';
import type { InstalledPackage } from '../imagePackages.ts';
import type { TreeEntry } from '../imageTree.ts';
import { RPM, rpmPackages } from './rpm.ts';

/** A package, and what kind it is in the words of package URLs. */
export interface FoundPackage extends InstalledPackage {
  readonly type: 'deb' | 'apk' | 'rpm' | 'npm' | 'pypi';
  /** Where it was read, in the image. */
  readonly path: string;
}

export interface FoundPackages {
  readonly packages: readonly FoundPackage[];
  /** `debian`, `12`: what the image calls itself. */
  readonly distribution?: { readonly id: string; readonly version: string };
}

interface Files {
  read(snapshotId: string, path: string): AsyncIterable<Buffer>;
  folder(snapshotId: string): string;
}

const OS_RELEASE = /^(etc|usr\/lib)\/os-release$/;
const NPM = /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/;
const PYTHON = /\.(dist|egg)-info\/(METADATA|PKG-INFO)$/;
const npmSchema = z.looseObject({ name: z.string(), version: z.string(), license: z.string().optional().catch(undefined) });

/** What package managers say is installed in an image: Debian's, Alpine's, RPM's, and the packages of Node and Python; of these only the `types`. In one order. */
export async function collectPackages(files: Files, tree: ReadonlyMap<string, TreeEntry>, signal: AbortSignal, types?: ReadonlySet<FoundPackage['type']>): Promise<FoundPackages> {
  const packages: FoundPackage[] = [];
  let distribution: FoundPackages['distribution'];
  for (const [path, { entry, snapshotId }] of tree) {
    if (entry.type !== 'file') continue;
    signal.throwIfAborted();
    const kind = kindOf(path);
    if (kind === undefined || (kind !== 'os' && types?.has(kind) === false)) continue;
    if (kind === 'rpm') packages.push(...as('rpm', path, await rpmPackages(join(files.folder(snapshotId), path))));
    else if (kind === 'os') distribution ??= distributionOf(await textOf(files, snapshotId, path));
    else packages.push(...as(kind, path, [...parsers[kind](await textOf(files, snapshotId, path))]));
  }
  const key = ({ type, name, version, path }: FoundPackage): string => [type, name, version, path].join('\0');
  return { packages: packages.sort((a, b) => (key(a) < key(b) ? -1 : 1)), ...(distribution ? { distribution } : {}) };
}

const parsers = { deb: dpkgPackages, apk: apkPackages, npm: npmPackages, pypi: pythonPackages };

function kindOf(path: string): keyof typeof parsers | 'rpm' | 'os' | undefined {
  if (DPKG.test(path)) return 'deb';
  if (APK.test(path)) return 'apk';
  if (RPM.test(path)) return 'rpm';
  if (OS_RELEASE.test(path)) return 'os';
  if (NPM.test(path)) return 'npm';
  return PYTHON.test(path) ? 'pypi' : undefined;
}

function as(type: FoundPackage['type'], path: string, list: readonly InstalledPackage[]): FoundPackage[] {
  return list.map((one) => ({ ...one, type, path: `/${path}` }));
}

function* npmPackages(text: string): Generator<InstalledPackage> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return; // one that is broken is no package
  }
  const parsed = npmSchema.safeParse(value);
  if (parsed.success) yield { name: parsed.data.name, version: parsed.data.version, ...(parsed.data.license === undefined ? {} : { license: parsed.data.license }) };
}

function* pythonPackages(text: string): Generator<InstalledPackage> {
  const [head = ''] = text.split(/\r?\n\r?\n/, 1);
  const name = /^Name: *(.+)$/m.exec(head)?.[1];
  const version = /^Version: *(.+)$/m.exec(head)?.[1];
  if (name !== undefined && version !== undefined) yield { name: name.trim(), version: version.trim() };
}

function distributionOf(text: string): FoundPackages['distribution'] {
  const fields = osReleaseFields(text);
  const id = fields.get('ID');
  return id === undefined ? undefined : { id, version: fields.get('VERSION_ID') ?? '' };
}

async function textOf(files: Files, snapshotId: string, path: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of files.read(snapshotId, path)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
