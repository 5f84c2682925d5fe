import { pathToFileURL } from 'node:url';
import { installed } from '../imagePackages.ts';
import type { InstalledPackage } from '../imagePackages.ts';

/** Where RPM keeps what is installed since it uses SQLite; its older databases are not read. */
export const RPM = /^(usr\/lib\/sysimage|var\/lib)\/rpm\/rpmdb\.sqlite$/;

const TAGS = { name: 1000, version: 1001, release: 1002, epoch: 1003, vendor: 1011, license: 1014, architecture: 1022, source: 1044 } as const;
const INT32 = 4;
const ROW = 16;

/** The packages of an RPM database. Keys that sign packages stand in it like packages. */
export async function rpmPackages(databaseFile: string): Promise<InstalledPackage[]> {
  const { DatabaseSync } = await import('node:sqlite'); // Node says that it is new when it is loaded: only where it is needed
  // Immutable: SQLite must not put files of its own beside it, into the layer.
  const place = pathToFileURL(databaseFile);
  place.searchParams.set('immutable', '1');
  const database = new DatabaseSync(place, { readOnly: true });
  try {
    const rows = database.prepare('SELECT blob FROM Packages').all();
    return rows.flatMap(({ blob }) => (blob instanceof Uint8Array ? readHeader(Buffer.from(blob)) : [])).filter(({ name }) => name !== 'gpg-pubkey');
  } finally {
    database.close();
  }
}

/** RPM's header: how many rows and bytes, rows of tag, type, offset and count, then the bytes. */
export function readHeader(blob: Buffer): InstalledPackage[] {
  const rows = blob.readUInt32BE(0);
  const data = blob.subarray(8 + rows * ROW);
  const found = new Map<number, string>();
  for (let index = 0; index < rows; index++) {
    const at = 8 + index * ROW;
    const [tag, type, offset] = [blob.readUInt32BE(at), blob.readUInt32BE(at + 4), blob.readUInt32BE(at + 8)];
    if (!Object.values<number>(TAGS).includes(tag)) continue;
    found.set(tag, type === INT32 ? String(data.readUInt32BE(offset)) : data.subarray(offset, data.indexOf(0, offset)).toString('utf8'));
  }
  const [name, version, release, epoch] = [TAGS.name, TAGS.version, TAGS.release, TAGS.epoch].map((tag) => found.get(tag));
  if (name === undefined || version === undefined) return [];
  const full = `${epoch === undefined ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`;
  return [installed(name, full, { architecture: found.get(TAGS.architecture), maintainer: found.get(TAGS.vendor), license: found.get(TAGS.license), source: found.get(TAGS.source) })];
}
