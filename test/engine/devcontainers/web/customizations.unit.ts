import assert from 'node:assert/strict';
import { editorCustomizations } from '../../../../engine/devcontainers/web/customizations.ts';

describe('what customizations.vscode asks of the editor', () => {
  const of = (...entries: unknown[]) => editorCustomizations(entries, '/workspaces/app');

  it('collects the extensions of image and devcontainer.json, each once, the last version said', () => {
    assert.deepEqual(of({ extensions: ['a.b', 'c.d@1.2.3'] }, { extensions: ['A.B@2.0.0', 'e.f'] }).extensions, ['A.B@2.0.0', 'c.d@1.2.3', 'e.f']);
  });

  it('takes back what is written with a minus', () => {
    assert.deepEqual(of({ extensions: ['a.b', 'c.d'] }, { extensions: ['-A.B'] }).extensions, ['c.d']);
    assert.deepEqual(of({ extensions: ['-a.b', 'a.b'] }).extensions, ['a.b']);
  });

  it('resolves packages against the workspace folder', () => {
    assert.deepEqual(of({ extensions: ['./tools/x.vsix', '/opt/y.vsix'] }).extensions, ['/workspaces/app/tools/x.vsix', '/opt/y.vsix']);
  });

  it('lets a later setting replace an earlier one', () => {
    assert.deepEqual(of({ settings: { a: 1, b: { c: 2 } } }, { settings: { b: 3 } }).settings, { a: 1, b: 3 });
  });

  it('passes over what has another shape', () => {
    assert.deepEqual(of(null, 'x', { extensions: 'a.b', settings: [] }, { extensions: [1, '', ' g.h '] }), { extensions: ['g.h'], settings: {} });
  });
});
