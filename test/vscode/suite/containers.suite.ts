import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Host } from '../../../src/hosts/host.ts';
import type { Container } from '../../../src/model/containerState.ts';
import { containerItem } from '../../../src/views/containerItem.ts';
import { activated, eventually } from './extension.ts';

/** Set by whoever starts the editor: an engine of the test's own with one running container of this name. */
const name = 'suite-web';

describe('containers, inside the extension host', () => {
  const host = new Host({ socketPath: () => process.env['BERTH_SOCKET'] ?? '', onProblem: () => undefined });

  before(async () => {
    await activated();
    host.open();
    await host.connected(20_000);
  });

  after(() => host.dispose());

  const current = (): Container | undefined => host.containers.all().find((container) => container.name === name);
  const inState = (state: string): Promise<Container> => eventually(`${name} ${state}`, () => (current()?.state === state ? current() : undefined));
  const node = (): { kind: 'container'; host: string; id: string } => ({ kind: 'container', host: '', id: current()?.id ?? '' });

  it('a row says name, image and state, and carries the state for the menus', async () => {
    const item = containerItem(await inState('running'), '');
    assert.equal(item.label, name);
    assert.equal(item.contextValue, 'container:running');
    assert.match(item.accessibilityInformation?.label ?? '', /suite-web, running, image /);
  });

  it('Stop and Start do it, and the event stream tells', async () => {
    await vscode.commands.executeCommand('berth.container.stop', node());
    await inState('exited');
    await vscode.commands.executeCommand('berth.container.start', node());
    await inState('running');
  });

  it('Restart starts it anew', async () => {
    await vscode.commands.executeCommand('berth.container.restart', node());
    await inState('running');
  });

  it('Copy Id puts the whole id on the clipboard', async () => {
    await vscode.commands.executeCommand('berth.container.copyId', node());
    assert.equal(await vscode.env.clipboard.readText(), node().id);
  });

  it('Inspect opens a read-only JSON document', async () => {
    await vscode.commands.executeCommand('berth.container.inspect', node());
    const document = await eventually('the document', () => vscode.workspace.textDocuments.find((one) => one.uri.scheme === 'berth-inspect'));
    assert.equal(document.languageId, 'json');
    const { Id, Name } = JSON.parse(document.getText()) as { Id: string; Name: string };
    assert.deepEqual([Id, Name], [node().id, `/${name}`]);
  });

  it('a shell and a log have one terminal each, used again', async () => {
    for (const command of ['berth.container.openShell', 'berth.container.logs', 'berth.container.openShell', 'berth.container.logs']) await vscode.commands.executeCommand(command, node());
    const names = vscode.window.terminals.map((terminal) => terminal.name).filter((title) => title.includes(name));
    assert.deepEqual(names.sort(), [`Logs: ${name}`, name].sort());
    for (const terminal of vscode.window.terminals) terminal.dispose();
  });
});
