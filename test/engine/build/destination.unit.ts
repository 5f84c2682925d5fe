import assert from 'node:assert/strict';
import { destinationOf } from '../../../engine/build/copy/destination.ts';
import { resolveDest } from '../../../engine/build/instructions/paths.ts';

describe('the destination of COPY', () => {
  const table: ReadonlyArray<readonly [what: string, isFolder: boolean, dest: string, destIsFolder: boolean, expected: string]> = [
    ['a file to a new name', false, '/b', false, '/b'],
    ['a file to a folder written with a slash', false, '/b/', false, '/b/a'],
    ['a file to a folder that exists', false, '/b', true, '/b/a'],
    ['a file to the root', false, '/', true, '/a'],
    ['a folder to a new name', true, '/b', false, '/b'],
    ['a folder into one that exists: only its contents', true, '/b', true, '/b'],
    ['a folder with a slash', true, '/b/', true, '/b'],
    ['a folder to the root', true, '/', true, '/'],
  ];
  for (const [what, isFolder, dest, destIsFolder, expected] of table) it(`is ${expected} for ${what}`, () => assert.equal(destinationOf({ name: 'a', isFolder }, dest, destIsFolder), expected));

  it('is relative to the working folder, and a dot means a folder', () => {
    assert.deepEqual(['x', './x', '.', './', '..', '/abs', '/abs/', 'a/.'].map((dest) => resolveDest(dest, '/w/d')), ['/w/d/x', '/w/d/x', '/w/d/', '/w/d/', '/w/', '/abs', '/abs/', '/w/d/a/']);
  });
});
