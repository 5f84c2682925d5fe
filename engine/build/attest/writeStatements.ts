import { readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileDigest } from '../context/fileDigest.ts';
import type { Predicate } from '../ports.ts';

/** What is attested of an image is said of its files where they leave it, in statements beside them with BuildKit's names. */
export async function writeStatements(root: string, predicates: readonly Predicate[], signal: AbortSignal): Promise<void> {
  if (predicates.length === 0) return;
  const subject = await subjects(root, signal);
  for (const { predicateType, predicate } of predicates) {
    const file = join(root, predicateType.startsWith('https://spdx.dev/') ? 'sbom.spdx.json' : 'provenance.json');
    // Whatever the image has there, also a link to somewhere, gives way.
    await rm(file, { recursive: true, force: true });
    await writeFile(file, `${JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', predicateType, subject, predicate }, null, 2)}\n`, { flag: 'wx', mode: 0o644 });
  }
}

async function subjects(root: string, signal: AbortSignal): Promise<object[]> {
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  const found: object[] = [];
  for (const path of files) found.push({ name: relative(root, path), digest: { sha256: await fileDigest(path, signal) } });
  return found;
}
