import assert from 'node:assert/strict';
import { devcontainerId, idLabels } from '../../../engine/devcontainers/config/devcontainerId.ts';
import { substituteContainer, substituteHost } from '../../../engine/devcontainers/config/substitute.ts';
import type { HostVariables } from '../../../engine/devcontainers/config/substitute.ts';

const variables: HostVariables = {
  localEnv: { HOME: '/home/me', EMPTY: '', 'with space': 'x' },
  localWorkspaceFolder: '/home/me/my project',
  containerWorkspaceFolder: '/workspaces/my project',
  devcontainerId: '0abc',
};

describe('variables of the host phase', () => {
  const table: Array<[string, string]> = [
    ['nothing to do', 'nothing to do'],
    ['${localEnv:HOME}', '/home/me'],
    ['${env:HOME}', '/home/me'],
    ['a ${localEnv:HOME} b ${localEnv:HOME} c', 'a /home/me b /home/me c'],
    ['${localEnv:MISSING}', ''],
    ['${localEnv:MISSING:default}', 'default'],
    ['${localEnv:MISSING:default:cut}', 'default'],
    ['${localEnv:MISSING:http://x}', 'http'],
    ['${localEnv:MISSING:}', ''],
    ['${localEnv:HOME:default}', '/home/me'],
    ['${localEnv:EMPTY:default}', ''],
    ['${localEnv:with space}', 'x'],
    ['${localEnv}', '${localEnv}'],
    ['${localEnv:}', '${localEnv:}'],
    ['${localWorkspaceFolder}', '/home/me/my project'],
    ['${localWorkspaceFolderBasename}', 'my project'],
    ['${containerWorkspaceFolder}/x', '/workspaces/my project/x'],
    ['${containerWorkspaceFolderBasename}', 'my project'],
    ['vol-${devcontainerId}', 'vol-0abc'],
    ['${containerEnv:PATH}', '${containerEnv:PATH}'],
    ['${unknown:thing}', '${unknown:thing}'],
    ['$HOME and $(x) and ${', '$HOME and $(x) and ${'],
    ['${localEnv:A${localEnv:HOME}}', 'HOME}'],
  ];
  for (const [text, expected] of table) it(text, () => assert.equal(substituteHost(text, variables), expected));

  it('reaches every string, and leaves everything else and all keys alone', () => {
    const value = { a: ['${localEnv:HOME}', 1, null, true], '${localEnv:HOME}': { b: '${devcontainerId}' } };
    assert.deepEqual(substituteHost(value, variables), { a: ['/home/me', 1, null, true], '${localEnv:HOME}': { b: '0abc' } });
  });

  it('leaves the container’s folder as written while it is not known', () => {
    assert.equal(substituteHost('${containerWorkspaceFolder}', { ...variables, containerWorkspaceFolder: undefined }), '${containerWorkspaceFolder}');
  });
});

describe('variables of the container phase', () => {
  const table: Array<[string, string]> = [
    ['${containerEnv:PATH}:/more', '/usr/bin:/bin:/more'],
    ['${containerEnv:NO}', ''],
    ['${containerEnv:NO:yes:no}', 'yes'],
    ['${localEnv:HOME}', '${localEnv:HOME}'],
  ];
  for (const [text, expected] of table) it(text, () => assert.equal(substituteContainer(text, { PATH: '/usr/bin:/bin' }), expected));
});

describe('devcontainerId', () => {
  it('is the sha256 of the sorted labels in base 32, 52 characters', () => {
    const id = devcontainerId(idLabels('/a', '/a/.devcontainer/devcontainer.json'));
    assert.match(id, /^[0-9a-v]{52}$/);
    assert.equal(id, devcontainerId({ 'devcontainer.local_folder': '/a', 'devcontainer.config_file': '/a/.devcontainer/devcontainer.json' }));
  });

  it('agrees with a value worked out by other tools', () => {
    // sha256 of {"devcontainer.config_file":"/w/c","devcontainer.local_folder":"/w"} by sha256sum and bc.
    assert.equal(devcontainerId(idLabels('/w', '/w/c')), '13pc3vm4m1c4titis5p3kukc8dhmpqrj8lqppnlni4uh16i4cgub');
  });
});
