import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { codeCacheFolder } from '../../../engine/cli/codeCache.ts';

const script = '/opt/berth/berth.cjs';

describe('the folder for compiled code', () => {
  let top: string;
  beforeEach(() => (top = mkdtempSync(join(tmpdir(), 'berth-code-cache-'))));
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  const folder = (one = script): string | undefined => codeCacheFolder(one, { XDG_CACHE_HOME: top });
  const made = (): string => folder() ?? assert.fail('there is none');

  it('is among the user’s caches, theirs alone, one for each installation', () => {
    assert.equal(dirname(made()), join(top, 'berth/code'));
    assert.deepEqual([join(top, 'berth'), join(top, 'berth/code'), made()].map((path) => statSync(path).mode & 0o777), [0o700, 0o700, 0o700]);
    assert.equal(folder(), made());
    assert.notEqual(folder('/opt/other/berth.cjs'), made());
  });

  it('is below the home where nothing else is said, and nowhere without one', () => {
    assert.equal(dirname(codeCacheFolder(script, { HOME: top }) ?? ''), join(top, '.cache/berth/code'));
    assert.equal(codeCacheFolder(script, {}), undefined);
    assert.equal(codeCacheFolder(script, { HOME: 'relative' }), undefined);
  });

  it('is not used when it cannot be made', () => {
    assert.equal(codeCacheFolder(script, { HOME: '/proc' }), undefined);
    assert.equal(codeCacheFolder(script, { XDG_CACHE_HOME: join(top, 'missing') }), undefined);
    writeFileSync(join(top, 'berth'), '');
    assert.equal(folder(), undefined);
  });

  it('is not used when it is a link, or reached by one', () => {
    const real = made();
    rmSync(real, { recursive: true });
    mkdirSync(join(top, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(top, 'elsewhere'), real);
    assert.equal(folder(), undefined);
    rmSync(join(top, 'berth'), { recursive: true });
    symlinkSync(join(top, 'elsewhere'), join(top, 'berth'));
    assert.equal(folder(), undefined);
    assert.deepEqual(readdirSync(join(top, 'elsewhere')), []);
  });

  it('is not used when others may write there, or above', () => {
    const real = made();
    for (const [path, mode] of [[real, 0o770], [real, 0o755], [dirname(real), 0o750], [join(top, 'berth'), 0o720], [top, 0o777]] as const) {
      chmodSync(path, mode);
      assert.equal(folder(), undefined, `${path} ${mode.toString(8)}`);
      chmodSync(path, 0o700);
    }
    assert.equal(folder(), real);
  });

  it('is not used when it is another user’s', () => {
    made();
    assert.equal(codeCacheFolder(script, { XDG_CACHE_HOME: top }, (process.getuid?.() ?? 0) + 1), undefined);
  });

  it('is not made by root in another user’s home', () => {
    if (process.getuid?.() === 0) chownSync(top, 12_345, 12_345);
    assert.equal(codeCacheFolder(script, { HOME: top }, 0), undefined);
    assert.deepEqual(readdirSync(top), []);
  });

  it('is one of at most six: the oldest go when one is made', () => {
    const paths = Array.from({ length: 8 }, (_none, index) => {
      const path = folder(`/opt/${index}/berth.cjs`) ?? '';
      utimesSync(path, index, index);
      return path;
    });
    assert.deepEqual(readdirSync(dirname(made())).sort(), [...paths.slice(-5), made()].map((path) => path.slice(dirname(path).length + 1)).sort());
  });
});
