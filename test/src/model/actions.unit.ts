import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { commandOf, containerActions, devContainerActions } from '../../../src/model/actions.ts';
import type { DevContainerState } from '../../../src/model/actions.ts';
import { containerStates } from '../../../src/model/containerState.ts';
import { hostActions, remoteHostStates } from '../../../src/model/remoteHosts.ts';

interface MenuRow {
  readonly command: string;
  readonly when: string;
  readonly group: string;
}

interface Manifest {
  readonly contributes: {
    readonly commands: ReadonlyArray<{ command: string; icon?: string }>;
    readonly menus: Readonly<Record<string, readonly MenuRow[]>>;
  };
}

const manifest = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../package.json'), 'utf8')) as Manifest;
const menu = manifest.contributes.menus['view/item/context'] ?? [];
const declared = new Set(manifest.contributes.commands.map((row) => row.command));

/** Evaluates the clauses that the menus use: `view == X && viewItem =~ /…/`. */
function holds(when: string, view: string, viewItem: string): boolean {
  const parts = /^view == (\S+) && viewItem =~ \/(.+)\/$/.exec(when);
  assert.ok(parts, `the test does not understand the clause ${when}`);
  return parts[1] === view && new RegExp(parts[2] ?? '').test(viewItem);
}

function offered(view: string, viewItem: string, inline: boolean): string[] {
  return menu.filter((row) => row.group.startsWith('inline') === inline && holds(row.when, view, viewItem)).map((row) => row.command);
}

const devContainerStates: readonly DevContainerState[] = [...containerStates, 'absent', 'busy'];

describe('what is offered in which state', () => {
  for (const state of containerStates) {
    it(`the menu of a container that is ${state} offers what the table says`, () => {
      assert.deepEqual(offered('berth.containers', `container:${state}`, false).sort(), containerActions[state].map(commandOf).sort());
    });
  }

  for (const state of devContainerStates) {
    it(`the menu of a dev container that is ${state} offers what the table says`, () => {
      assert.deepEqual(offered('berth.devContainers', `devContainer:${state}`, false).sort(), devContainerActions(state).map(commandOf).sort());
    });
  }

  for (const state of remoteHostStates) {
    it(`the menu of a host that is ${state} offers what the table says`, () => {
      assert.deepEqual(offered('berth.hosts', `host:${state}`, false).sort(), hostActions[state].map((action) => `berth.host.${action}`).sort());
    });
  }

  it('the root of an engine offers what brings it back, and nothing while it runs', () => {
    for (const view of ['berth.containers', 'berth.devContainers']) {
      assert.deepEqual(['local:stopped', 'remote:stopped', 'local:running', 'remote:running'].map((root) => offered(view, `engine:${root}`, true)), [['berth.engine.start'], ['berth.host.connect'], [], []]);
    }
  });

  it('nothing is asked of this machine as of a host', () => {
    assert.deepEqual(offered('berth.hosts', 'host:local', false), []);
  });

  it('inline icons repeat entries of the menu, two at most, each with an icon', () => {
    for (const [view, kind, states] of [['berth.containers', 'container', containerStates], ['berth.devContainers', 'devContainer', devContainerStates], ['berth.hosts', 'host', remoteHostStates]] as const) {
      for (const state of states) {
        const inline = offered(view, `${kind}:${state}`, true);
        assert.ok(inline.length <= 2, `${kind} ${state} has ${inline.length} inline icons`);
        for (const command of inline) {
          assert.ok(offered(view, `${kind}:${state}`, false).includes(command), `${command} is inline only`);
          assert.ok(manifest.contributes.commands.find((row) => row.command === command)?.icon, `${command} has no icon`);
        }
      }
    }
  });

  it('Start is never offered on a paused container, nor Stop on a stopped one', () => {
    assert.ok(!containerActions.paused.includes('start'));
    assert.ok(!containerActions.exited.includes('stop'));
  });

  it('every command of a menu is declared', () => {
    for (const rows of Object.values(manifest.contributes.menus)) for (const row of rows) assert.ok(declared.has(row.command), row.command);
  });
});

describe('the manifest', () => {
  it('restricts every setting in untrusted workspaces, as all reach execution', () => {
    const full = manifest as unknown as { capabilities: { untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] } }; contributes: { configuration: { properties: Record<string, { scope: string }> } } };
    const settings = full.contributes.configuration.properties;
    assert.equal(full.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.deepEqual(full.capabilities.untrustedWorkspaces.restrictedConfigurations.sort(), Object.keys(settings).sort());
    for (const [name, { scope }] of Object.entries(settings)) assert.equal(scope, 'machine', name);
  });

  it('has the commands that the sources register, and no others', () => {
    const reopening = ['reopenInContainer', 'rebuild', 'rebuildWithoutCache', 'openInBrowser', 'attach', 'openFolder', 'cloneRepository', 'reopenLocally'].map((verb) => `reopen/${verb}`);
    const onHosts = ['add', 'connect', 'disconnect', 'open', 'remove'].map((verb) => `host/${verb}`);
    const sources = [...reopening, ...onHosts, 'engine/start', 'engine/refresh', 'engine/showLog', 'engine/doctor', 'devContainer/up', 'devContainer/openConfig', ...['start', 'stop', 'restart', 'remove', 'logs', 'openShell', 'inspect', 'copyId'].map((verb) => `container/${verb}`), ...['openInBrowser', 'copyAddress', 'stopForwarding'].map((verb) => `port/${verb}`)];
    const registered = sources.flatMap((name) => [...readFileSync(resolve(import.meta.dirname, `../../../src/commands/${name}.ts`), 'utf8').matchAll(/id: '([^']+)'/g)].map((match) => match[1] ?? ''));
    assert.deepEqual(registered.sort(), [...declared].sort());
  });
});
