import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonIn } from '../../../../engine/devcontainers/web/installExtensions.ts';
import { parseLdd } from '../../../../engine/devcontainers/web/install/libraries.ts';
import { isNeeded } from '../../../../engine/devcontainers/web/install/needed.ts';
import { editorRelease } from '../../../../engine/devcontainers/web/install/release.ts';
import { editorVolume, toolMounts } from '../../../../engine/devcontainers/plan/planTools.ts';

const root = resolve(import.meta.dirname, '../../../..');
const lock = (path: string): { packages: Record<string, { integrity?: string }> } => JSON.parse(readFileSync(resolve(root, path), 'utf8')) as { packages: Record<string, { integrity?: string }> };

describe("the editor's server", () => {
  it('is the one that the tests of the extension use, and its Node is ours, by digest', () => {
    assert.equal(lock('test/vscode/workbench/package-lock.json').packages['node_modules/code-server']?.integrity, editorRelease.integrity);
    for (const arch of ['x64', 'arm64'] as const) assert.equal(lock('package-lock.json').packages[`node_modules/node-linux-${arch}`]?.integrity, editorRelease.node.integrity[arch]);
  });

  it('goes without programs for other systems, maps and what runs models', () => {
    const kept = ['out/server-main.js', 'node_modules/node-pty/prebuilds/linux-x64', 'node_modules/@vscode/ripgrep-universal/bin/linux-x64', 'bin/remote-cli/code-linux.sh', 'extensions/git'];
    const left = ['extensions/copilot', 'node_modules/@github', 'node_modules/@vscode/deviceid', 'out/server-main.js.map', 'node_modules/node-pty/prebuilds/win32-x64', 'node_modules/node-pty/prebuilds/linux-arm64', 'node_modules/@vscode/ripgrep-universal/bin/darwin-arm64'];
    assert.deepEqual([...kept, ...left].filter((path) => isNeeded(path, 'x64')), kept);
  });

  it('finds loader and libraries in what ldd says', () => {
    const text = '\tlinux-vdso.so.1 (0x00007ffd)\n\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n';
    assert.deepEqual(parseLdd(text), { loader: '/lib64/ld-linux-x86-64.so.2', libraries: ['/lib/x86_64-linux-gnu/libstdc++.so.6', '/lib/x86_64-linux-gnu/libc.so.6'] });
    assert.deepEqual(parseLdd('\tnot a dynamic executable\n'), { loader: undefined, libraries: [] });
  });

  it('says of an extension why it was not installed', () => {
    assert.equal(reasonIn('Installing extensions...\nNo extension gallery service configured.\nFailed Installing Extensions: a.b\n    at x (y.js:1)\n'), 'No extension gallery service configured.');
  });
});

describe('what every dev container mounts of ours', () => {
  it('is a read-only folder of the host and a volume that a rebuild keeps', () => {
    const [tools, data] = toolMounts('/var/lib/berth/editor', 'id0');
    assert.deepEqual(tools, { Type: 'bind', Source: '/var/lib/berth/editor', Target: '/opt/berth', ReadOnly: true });
    assert.deepEqual([data?.Type, data?.Source, data?.Target], ['volume', editorVolume('id0'), '/var/opt/berth']);
    assert.notEqual(editorVolume('id0'), editorVolume('id1'));
  });
});
