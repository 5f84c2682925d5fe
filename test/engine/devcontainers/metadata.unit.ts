import assert from 'node:assert/strict';
import { mergeMetadata, parseMetadataLabel } from '../../../engine/devcontainers/config/metadata.ts';
import type { MergedConfig } from '../../../engine/devcontainers/config/metadata.ts';
import type { DevContainerConfig, MetadataEntry } from '../../../engine/devcontainers/config/schema.ts';

const merge = (image: MetadataEntry[], config: DevContainerConfig = {}): MergedConfig => mergeMetadata(image, config);

describe('the label devcontainer.metadata', () => {
  it('is an array, an object, or nothing', () => {
    assert.deepEqual(parseMetadataLabel('[{"remoteUser":"a"},{"init":true}]').entries, [{ remoteUser: 'a' }, { init: true }]);
    assert.deepEqual(parseMetadataLabel('{"remoteUser":"a"}').entries, [{ remoteUser: 'a' }]);
    assert.deepEqual(parseMetadataLabel(undefined), { entries: [], warnings: [] });
  });

  it('that cannot be understood has no effect, and says so', () => {
    assert.match(parseMetadataLabel('{').warnings[0] ?? '', /not valid JSON/);
    const partly = parseMetadataLabel('[{"init":"yes"},{"init":true}]');
    assert.deepEqual(partly.entries, [{ init: true }]);
    assert.match(partly.warnings[0] ?? '', /entry 0 .*init expected true or false/);
  });
});

describe('merging the image’s metadata with devcontainer.json', () => {
  const table: Array<[string, MetadataEntry[], DevContainerConfig, Partial<MergedConfig>]> = [
    ['nothing anywhere: the defaults', [], {}, { init: false, privileged: false, overrideCommand: true, waitFor: 'updateContentCommand', userEnvProbe: 'loginInteractiveShell', updateRemoteUserUID: true, remoteUser: undefined }],
    ['init and privileged: any of them', [{ init: true }, { privileged: true }], { init: false }, { init: true, privileged: true }],
    ['capAdd and securityOpt: the union', [{ capAdd: ['A', 'B'], securityOpt: ['x'] }], { capAdd: ['B', 'C'], securityOpt: ['x', 'y'] }, { capAdd: ['A', 'B', 'C'], securityOpt: ['x', 'y'] }],
    ['users, probe, overrideCommand: the last', [{ remoteUser: 'a', containerUser: 'a', userEnvProbe: 'none', overrideCommand: false }, { remoteUser: 'b' }], { userEnvProbe: 'loginShell' }, { remoteUser: 'b', containerUser: 'a', userEnvProbe: 'loginShell', overrideCommand: false }],
    ['waitFor, shutdownAction, UID: the last', [{ waitFor: 'onCreateCommand', updateRemoteUserUID: false }], { shutdownAction: 'none' }, { waitFor: 'onCreateCommand', updateRemoteUserUID: false, shutdownAction: 'none' }],
    ['environments: by key', [{ containerEnv: { A: '1', B: '1' }, remoteEnv: { X: '1' } }], { containerEnv: { B: '2' }, remoteEnv: { X: null } }, { containerEnv: { A: '1', B: '2' }, remoteEnv: { X: null } }],
    ['forwardPorts: the union', [{ forwardPorts: [1, 2] }], { forwardPorts: [2, 3] }, { forwardPorts: [{ value: 1, origin: 'image' }, { value: 2, origin: 'image' }, { value: 3, origin: 1 }] }],
    ['portsAttributes: by key; otherPortsAttributes: the last', [{ portsAttributes: { 1: { label: 'a' } }, otherPortsAttributes: { a: 1 } }], { portsAttributes: { 2: { label: 'b' } } }, { portsAttributes: { 1: { label: 'a' }, 2: { label: 'b' } }, otherPortsAttributes: { a: 1 } }],
    ['mounts: the last for a target', [{ mounts: ['source=a,target=/x,type=volume', { type: 'volume', source: 'b', target: '/y' }] }], { mounts: [{ type: 'bind', source: '/c', target: '/x' }] }, { mounts: [{ value: { type: 'volume', source: 'b', target: '/y' }, origin: 'image' }, { value: { type: 'bind', source: '/c', target: '/x' }, origin: 0 }] }],
    ['entrypoints and customizations: collected in order', [{ entrypoint: '/a', customizations: { vscode: { extensions: ['a'] } } }, { entrypoint: '/b' }], { customizations: { vscode: { extensions: ['b'] } } }, { entrypoints: ['/a', '/b'], customizations: { vscode: [{ extensions: ['a'] }, { extensions: ['b'] }] } }],
    ['hostRequirements: the largest', [{ hostRequirements: { cpus: 2, memory: '8gb', gpu: 'optional' } }], { hostRequirements: { cpus: 4, memory: '512mb', gpu: true } }, { hostRequirements: { cpus: 4, memory: '8gb', gpu: true } }],
  ];
  for (const [name, image, config, expected] of table) {
    it(name, () => {
      const merged = merge(image, config);
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(merged[key as keyof MergedConfig], value, key);
    });
  }

  it('lifecycle commands: the image’s first, in order', () => {
    const merged = merge([{ postCreateCommand: 'one' }, { postCreateCommand: ['two'] }], { postCreateCommand: { three: 'x' }, onCreateCommand: 'c' });
    assert.deepEqual(merged.hooks.postCreateCommand.map((hook) => hook.value), ['one', ['two'], { three: 'x' }]);
    assert.deepEqual(merged.hooks.onCreateCommand, [{ value: 'c', origin: 0 }]);
    assert.deepEqual(merged.hooks.postStartCommand, []);
  });
});
