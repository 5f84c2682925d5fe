import assert from 'node:assert/strict';
import { backOff } from '../../../src/hosts/backOff.ts';
import { engineEnvironment } from '../../../src/hosts/engineEnvironment.ts';
import { findNode, NodeUnusable } from '../../../src/hosts/findNode.ts';
import type { NodeFacts } from '../../../src/hosts/findNode.ts';
import { isForeignSocket } from '../../../src/hosts/foreignSocket.ts';
import { RowRefresher } from '../../../src/hosts/rowRefresher.ts';
import { engineSocketPath } from '../../../src/hosts/socketPath.ts';

describe('where the engine listens', () => {
  it('the setting wins, with or without unix://', () => {
    assert.equal(engineSocketPath(' unix:///run/x.sock ', { BERTH_SOCKET: '/y' }, 0), '/run/x.sock');
    assert.equal(engineSocketPath('~/x.sock', { HOME: '/home/u' }, 1000), '/home/u/x.sock');
  });

  it("then the engine's environment, then its defaults for root and for users", () => {
    assert.equal(engineSocketPath('', { BERTH_SOCKET: '/y' }, 0), '/y');
    assert.equal(engineSocketPath('', { BERTH_RUN_ROOT: '/r' }, 0), '/r/berth.sock');
    assert.equal(engineSocketPath('', {}, 0), '/run/berth/berth.sock');
    assert.equal(engineSocketPath('', { XDG_RUNTIME_DIR: '/run/user/1000' }, 1000), '/run/user/1000/berth/berth.sock');
  });

  it("knows Docker's and Podman's sockets by name", () => {
    assert.ok(isForeignSocket('/var/run/docker.sock'));
    assert.ok(isForeignSocket('/run/user/1000/podman/podman.sock'));
    assert.ok(!isForeignSocket('/run/berth/berth.sock'));
  });
});

describe('which Node runs the engine', () => {
  const facts = (over: Partial<NodeFacts>): NodeFacts => ({ setting: '', execPath: '/editor', execHasZstd: false, probe: () => Promise.resolve(undefined), ...over });

  it("the editor's own, if it has zstd", async () => {
    assert.deepEqual(await findNode(facts({ execHasZstd: true })), { program: '/editor', env: { ELECTRON_RUN_AS_NODE: '1' } });
  });

  it('else the one on PATH, if that has', async () => {
    const asked: string[] = [];
    const probe = (program: string): Promise<{ version: string; zstd: boolean }> => Promise.resolve({ version: '22.15.0', zstd: asked.push(program) > 0 });
    assert.deepEqual(await findNode(facts({ probe })), { program: 'node', env: {} });
    assert.deepEqual(asked, ['node']);
  });

  it('the one of the setting before any other, and no other when it will not do', async () => {
    const probe = (): Promise<{ version: string; zstd: boolean }> => Promise.resolve({ version: '20.1.0', zstd: false });
    await assert.rejects(findNode(facts({ setting: '/opt/node', execHasZstd: true, probe })), (error) => error instanceof NodeUnusable && error.bySetting && error.version === '20.1.0');
  });

  it('says so when there is none', async () => {
    await assert.rejects(findNode(facts({})), (error) => error instanceof NodeUnusable && error.program === 'node' && error.version === '');
  });

  it("leaves the editor's variables behind", () => {
    assert.deepEqual(engineEnvironment({ HOME: '/h', VSCODE_PID: '1', ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '--x' }, { BERTH_SOCKET: '/s' }), { HOME: '/h', BERTH_SOCKET: '/s' });
  });
});

describe('connecting again', () => {
  it('waits longer each time, and then for the socket', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map(backOff), [100, 200, 400, 800, 1600, 3200, 5000, undefined]);
  });
});

describe('looking again at rows', () => {
  it('a storm about one row costs two looks: the one under way and one after', async () => {
    const looks: string[][] = [];
    let release = (): void => undefined;
    const rows = new RowRefresher(async (ids) => {
      looks.push([...ids]);
      await new Promise<void>((resolve) => (release = resolve));
    });
    const done = rows.add('a');
    for (let index = 0; index < 50; index += 1) void rows.add('a');
    void rows.add('b');
    release();
    await new Promise((resolve) => setImmediate(resolve));
    release();
    await done;
    assert.deepEqual(looks, [['a'], ['a', 'b']]);
  });

  it('goes on after a look that failed', async () => {
    let fail = true;
    const rows = new RowRefresher(() => (fail ? Promise.reject(new Error('no')) : Promise.resolve()));
    await assert.rejects(rows.add('a'));
    fail = false;
    await rows.add('b');
  });
});
