import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { baseTar } from '../support/base.ts';
import { DockerDaemon } from './support/dockerDaemon.ts';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

describe('the extension on a Docker socket', () => {
  let daemon: DockerDaemon;
  let server: WorkbenchServer;
  let browser: Browser;
  let workbench: WorkbenchPage;
  let folder: string;
  failureScreenshots(() => workbench);

  before(async function () {
    this.timeout(240_000);
    folder = await mkdtemp(join(tmpdir(), 'berth-docker-ws-'));
    daemon = await DockerDaemon.start();
    await daemon.docker(['import', await baseTar(), 'debian:bookworm']);
    server = await WorkbenchServer.start({ env: {}, settings: { 'berth.socketPath': daemon.socketPath }, vsix: [vsix()] });
    browser = await launchBrowser();
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    await daemon?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('lists containers and follows what happens to them', async () => {
    await workbench.page.getByText('There are no containers').waitFor();
    await daemon.docker(['run', '-d', '--name', 'peer', '--hostname', 'peer-host', '--network', 'none', 'debian:bookworm', 'sleep', '600']);
    await workbench.row('Containers', /^peer, running/).waitFor();
    await daemon.docker(['kill', 'peer']);
    await workbench.row('Containers', /^peer, stopped/).waitFor();
  });

  it('starts one from its row, opens a shell in it, and removes it after asking', async () => {
    await workbench.contextMenu(workbench.row('Containers', /^peer/), 'Start');
    await workbench.row('Containers', /^peer, running/).waitFor();
    await workbench.contextMenu(workbench.row('Containers', /^peer/), 'Open Shell');
    await workbench.waitForTerminal(/root@peer-host/);
    await workbench.type('exit');
    await workbench.contextMenu(workbench.row('Containers', /^peer/), 'Remove');
    await workbench.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await workbench.page.getByText('There are no containers').waitFor();
    assert.equal((await daemon.docker(['ps', '-aq'])).stdout, '');
  });
});
