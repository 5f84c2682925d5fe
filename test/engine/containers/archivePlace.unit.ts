import assert from 'node:assert/strict';
import { placeOf } from '../../../engine/containers/archive.ts';

describe('what a path to copy means', () => {
  for (const [path, parent, name, shown] of [
    ['/srv/file', '/srv', 'file', 'file'],
    ['srv', '/', 'srv', 'srv'],
    ['/srv/link/', '/srv/link', '.', 'link'],
    ['/srv/folder/.', '/srv/folder', '.', '.'],
    ['/', '/', '.', '/'],
    ['/.', '/', '.', '/'],
    ['/srv/../', '/', '.', '/'],
    ['/a/b/..', '/', 'a', 'a'],
  ] as const) {
    it(`${path}: ${name} of ${parent}, called ${shown}`, () => assert.deepEqual(placeOf(path), { parent, name, shown }));
  }
});
