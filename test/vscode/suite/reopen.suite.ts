import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import type { Output } from '../../../src/base/process.ts';
import { ContainerOpener } from '../../../src/commands/reopen/containerOpener.ts';
import { reopenLocally } from '../../../src/commands/reopen/reopenLocally.ts';
import { EditorWindows } from '../../../src/hosts/editorWindows.ts';
import { Origins } from '../../../src/hosts/origins.ts';
import { HostCommandFailed, RemoteHosts } from '../../../src/hosts/remoteHosts.ts';
import { CommandLineSshEntries, SshConfigFailed } from '../../../src/hosts/sshEntries.ts';

const target = { host: '', key: 'k', name: 'pier', folder: '/src/pier', file: '/src/pier/.devcontainer.json' };
const outcome = { containerId: 'c0ffee', remoteWorkspaceFolder: '/workspaces/pier' };

/** What the editor keeps for extensions, for the length of a test. */
class Memory implements vscode.Memento {
  readonly #values = new Map<string, unknown>();
  keys = (): string[] => [...this.#values.keys()];
  get<T>(key: string, other?: T): T {
    return (this.#values.get(key) ?? other) as T;
  }
  update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, value);
    return Promise.resolve();
  }
}

/** A command line that answers as it is told, and says what it was asked. */
function commandLine(answer: Partial<Output>): { asked: string[][]; run: (args: readonly string[]) => Promise<Output>; startLink: () => Promise<never> } {
  const asked: string[][] = [];
  return {
    asked,
    run: (args) => {
      asked.push([...args]);
      return Promise.resolve({ status: 0, stdout: '', stderr: '', ...answer });
    },
    startLink: () => Promise.reject(new Error('no link in this test')),
  };
}

describe('Reopen in Container over SSH', () => {
  const ran: Array<{ id: string; uri: string; options: unknown }> = [];
  const memory = new Memory();
  const origins = new Origins(memory);
  const windows = new EditorWindows((id, uri, options) => {
    ran.push({ id, uri: String(uri), options });
    return Promise.resolve();
  });
  const rebuilds: unknown[] = [];
  const opener = new ContainerOpener({
    windows,
    origins,
    ups: {
      checkTrust: () => undefined,
      up: (_target, rebuild) => {
        rebuilds.push(rebuild);
        return Promise.resolve(outcome);
      },
      web: () => Promise.reject(new Error('not asked for the browser')),
      cancel: () => undefined,
      onStep: () => ({ dispose: () => undefined }),
    },
    sshEntries: { ensure: (id, host) => Promise.resolve(host === undefined ? `pier-${id}.berth` : `pier-${id}.${host}.berth`) },
    forward: () => Promise.reject(new Error('not asked for the browser')),
    isInstalled: (id) => id === 'jeanp413.open-remote-ssh',
    overSsh: true,
  });

  beforeEach(() => {
    ran.length = 0;
    rebuilds.length = 0;
  });

  it('opens the workspace folder under the alias in this window, and remembers the way back', async () => {
    await opener.open(target);
    assert.deepEqual(ran, [{ id: 'vscode.openFolder', uri: 'vscode-remote://ssh-remote%2Bpier-c0ffee.berth/workspaces/pier', options: { forceReuseWindow: true } }]);
    assert.equal(origins.find('pier-c0ffee.berth'), 'file:///src/pier');
    assert.deepEqual(rebuilds, [undefined]);
  });

  it('rebuilds first when that is asked', async () => {
    await opener.open(target, { rebuild: 'clean' });
    assert.deepEqual([rebuilds, ran.length], [['clean'], 1]);
  });

  it('attaches, and opens what is on a remote host, in a window of its own', async () => {
    await opener.attach(target, outcome, true);
    await opener.attach({ ...target, host: 'box', folder: '/home/me/far' }, { ...outcome, remoteWorkspaceFolder: '/workspaces/far' }, true);
    assert.equal(origins.find('pier-c0ffee.box.berth'), undefined, 'a folder of the host is none of this machine');
    await opener.attach({ ...target, host: 'box', localFolder: '/src/pier' }, outcome, true);
    assert.equal(origins.find('pier-c0ffee.box.berth'), 'file:///src/pier');
    assert.deepEqual(ran.map(({ uri, options }) => [uri, options]), [
      ['vscode-remote://ssh-remote%2Bpier-c0ffee.berth/workspaces/pier', { forceNewWindow: true }],
      ['vscode-remote://ssh-remote%2Bpier-c0ffee.box.berth/workspaces/far', { forceNewWindow: true }],
      ['vscode-remote://ssh-remote%2Bpier-c0ffee.box.berth/workspaces/pier', { forceNewWindow: true }],
    ]);
  });

  it('leads nowhere from a window that is in no container', async () => {
    await reopenLocally({ windows, origins }).run(undefined);
    assert.deepEqual(ran, []);
  });
});

describe('what the extension asks of the command line', () => {
  it('ssh-config: the alias of this very container', async () => {
    const launcher = commandLine({ stdout: JSON.stringify([{ alias: 'pier.berth', containerId: 'other' }, { alias: 'pier-2.berth', containerId: 'c0ffee' }]) });
    const entries = new CommandLineSshEntries(launcher);
    assert.equal(await entries.ensure('c0ffee'), 'pier-2.berth');
    await entries.ensure('c0ffee', 'box');
    assert.deepEqual(launcher.asked, [['ssh-config', '--json'], ['--host', 'box', 'ssh-config', '--json']]);
    await assert.rejects(entries.ensure('unknown'), SshConfigFailed);
    await assert.rejects(new CommandLineSshEntries(commandLine({ status: 1, stderr: 'berth: no\n' })).ensure('c0ffee'), /berth: no/);
  });

  it('hosts: lists them, and tells what a command said went wrong', async () => {
    const problems: unknown[] = [];
    const launcher = commandLine({ stdout: JSON.stringify([{ name: 'box', url: 'ssh://box', socketPath: '/nowhere/box.sock', controlPath: '/nowhere/box.ctl.sock', link: null }]) });
    const hosts = new RemoteHosts(launcher, (problem) => problems.push(problem));
    await hosts.refresh();
    assert.deepEqual(hosts.all().map(({ name, state }) => [name, state]), [['box', 'idle']]);
    await hosts.disconnect('box');
    assert.deepEqual(launcher.asked.slice(-2), [['host', 'disconnect', 'box'], ['host', 'list', '--json']]);
    hosts.dispose();
    const broken = new RemoteHosts(commandLine({ status: 2, stderr: 'error: unknown command\n' }), (problem) => problems.push(problem));
    await broken.refresh();
    assert.deepEqual([broken.all(), problems.length], [[], 1]);
    await assert.rejects(broken.remove('box'), HostCommandFailed);
    broken.dispose();
  });
});
