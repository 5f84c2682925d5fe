import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { ask } from '../support/ask.ts';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

/** Listens on its own loopback and answers a line, in one line of Perl. */
const server = (port: number): string => `perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalAddr=>"127.0.0.1",LocalPort=>${port},Listen=>5,ReuseAddr=>1) or die; while($c=$s->accept){$l=<$c>;print $c "inside heard $l";close $c}' &`;

describe('ports in a real workbench', () => {
  let engine: TestEngine;
  let workbenchServer: WorkbenchServer;
  let browser: Browser;
  let workbench: WorkbenchPage;
  let root: string;
  failureScreenshots(() => workbench);

  before(async function () {
    this.timeout(300_000);
    root = await mkdtemp(join(tmpdir(), 'berth-prt-ws-'));
    await mkdir(join(root, 'quay/.devcontainer'), { recursive: true });
    await writeFile(join(root, 'quay/.devcontainer/devcontainer.json'), JSON.stringify({ image: 'debian:bookworm', portsAttributes: { '28761': { label: 'Quiet', onAutoForward: 'silent' } } }));
    engine = await TestEngine.start({ instance: 'prtvsc' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.berth(['up', join(root, 'quay')]);
    workbenchServer = await WorkbenchServer.start({ env: engine.env, settings: { 'berth.socketPath': engine.client.socketPath }, vsix: [vsix()] });
    browser = await launchBrowser();
    workbench = await WorkbenchPage.open(browser, workbenchServer.url(join(root, 'quay')));
    await workbench.openBerth();
  });

  after(async () => {
    await browser?.close();
    await workbenchServer?.stop();
    await engine?.remove();
    await rm(root, { recursive: true, force: true });
  });

  it('a server started in a shell is announced, and its address answers on the host', async () => {
    await workbench.contextMenu(workbench.row('Dev Containers', /^quay, running/), 'Open Shell');
    await workbench.waitForTerminal(/workspaces\/quay# /);
    await workbench.type(server(28760));
    await workbench.notification(/Port 28760 of quay-\w+ is open, and reached at 127\.0\.0\.1:28760/).waitFor();
    await workbench.screenshot('ports-notice');
    assert.equal(await ask(28760, 'hello'), 'inside heard hello\n');
  });

  it('it is under its dev container, with what can be done; one that is to be silent is only there', async () => {
    await workbench.type(server(28761));
    await workbench.expand(workbench.row('Dev Containers', /^quay, running/));
    await workbench.row('Dev Containers', /^Port 28761, 127\.0\.0\.1:28761/).waitFor();
    assert.equal(await workbench.notification(/28761/).count(), 0);
    assert.match(await workbench.row('Dev Containers', /^Port 28761/).innerText(), /Quiet \(28761\)/);
    assert.deepEqual(await workbench.contextMenuItems(workbench.row('Dev Containers', /^Port 28760/)), ['Open in Browser', 'Copy Address', 'Stop Forwarding']);
  });

  it('Stop Forwarding stops it, and the row goes with the server', async () => {
    await workbench.contextMenu(workbench.row('Dev Containers', /^Port 28760/), 'Stop Forwarding');
    await workbench.row('Dev Containers', /^Port 28760, not forwarded/).waitFor();
    await assert.rejects(ask(28760, 'hello'), /ECONNREFUSED/);
    await workbench.type('kill %1 %2');
    await workbench.row('Dev Containers', /^Port 28760/).waitFor({ state: 'detached' });
    await workbench.row('Dev Containers', /^Port 28761/).waitFor({ state: 'detached' });
  });
});
