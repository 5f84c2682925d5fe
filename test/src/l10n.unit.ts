import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getL10nJson } from '@vscode/l10n-dev';

const root = resolve(import.meta.dirname, '../..');
const readJson = (path: string): Record<string, string> => JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, string>;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** Every `%key%` of the manifest. */
function manifestKeys(): string[] {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return [...text.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1] ?? '');
}

const placeholders = (text: string): string[] => [...text.matchAll(/\{\d+\}/g)].map(([found]) => found).sort();
const links = (text: string): string[] => [...text.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '').sort();
const hangul = /[\uac00-\ud7a3]/;

describe('words in English and Korean', () => {
  const english = readJson('package.nls.json');
  const korean = readJson('package.nls.ko.json');

  it('the manifest uses exactly the keys that package.nls.json has', () => {
    assert.deepEqual([...new Set(manifestKeys())].sort(), Object.keys(english).sort());
  });

  it('package.nls.ko.json has exactly the same keys', () => {
    assert.deepEqual(Object.keys(korean).sort(), Object.keys(english).sort());
  });

  it('the Korean manifest is Korean, with the same links', () => {
    for (const [key, text] of Object.entries(korean)) {
      assert.match(text, hangul, key);
      assert.deepEqual(links(text), links(english[key] ?? ''), key);
    }
  });

  it('the Korean bundle has every string of the sources and no other, with the same placeholders', async function () {
    this.timeout(30_000);
    const contents = sources(join(root, 'src')).map((path) => ({ extension: '.ts' as const, contents: readFileSync(path, 'utf8') }));
    const used = Object.keys(await getL10nJson(contents));
    const bundle = readJson('l10n/bundle.l10n.ko.json');
    assert.ok(used.length > 20, `the scan of the sources found only ${used.length} strings`);
    assert.deepEqual(Object.keys(bundle).sort(), used.sort());
    for (const [source, text] of Object.entries(bundle)) {
      assert.match(text, hangul, source);
      assert.deepEqual(placeholders(text), placeholders(source), source);
    }
  });
});
