import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

const nobody = 65534;

describe('what the extension does not do', () => {
  let browser: Browser;
  let server: WorkbenchServer | undefined;
  let workbench: WorkbenchPage;
  let folder: string;
  failureScreenshots(() => workbench);

  before(async () => {
    browser = await launchBrowser();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-access-'));
    await mkdir(join(folder, '.devcontainer'));
    await writeFile(join(folder, '.devcontainer', 'devcontainer.json'), '{ "image": "debian:bookworm", "initializeCommand": "touch made-by-up" }');
    await chmod(folder, 0o755);
  });

  afterEach(async () => {
    await server?.stop();
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  after(() => browser?.close());

  it('without permission on the socket says so, and what to do', async () => {
    const socketPath = join(folder, 'berth.sock');
    const owner: Server = createServer();
    await new Promise<void>((resolve) => owner.listen(socketPath, resolve));
    await chmod(socketPath, 0o600);
    try {
      server = await WorkbenchServer.start({ env: {}, settings: { 'berth.socketPath': socketPath }, vsix: [vsix()], uid: nobody });
      workbench = await WorkbenchPage.open(browser, server.url(folder));
      await workbench.openBerth();
      await workbench.page.getByText('You are not allowed to open the engine').waitFor();
      await workbench.page.getByRole('button', { name: 'Open Settings' }).waitFor();
    } finally {
      await new Promise((resolve) => owner.close(resolve));
    }
  });

  it('on the account of an ordinary user who may not write where the engine folder would be, says why the engine does not start', async () => {
    const closed = join(folder, 'run');
    server = await WorkbenchServer.start({ env: { BERTH_SOCKET: join(folder, 'none.sock'), USER: 'nobody', BERTH_RUN_ROOT: closed }, vsix: [vsix()], uid: nobody });
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
    await workbench.page.getByRole('button', { name: 'Start Engine' }).first().click();
    await workbench.notification(new RegExp(`The engine did not start: .*its files cannot be kept in ${closed} \\(permission denied\\)`)).waitFor();
  });

  it('in a workspace that is not trusted Up is refused, whatever asks for it', async () => {
    server = await WorkbenchServer.start({
      env: { BERTH_SOCKET: join(folder, 'none.sock') },
      settings: { 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never' },
      keybindings: [{ key: 'ctrl+alt+u', command: 'berth.devContainer.up' }],
      vsix: [vsix()],
      workspaceTrust: true,
    });
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
    await workbench.row('Dev Containers', /not created yet/).waitFor();
    await workbench.page.keyboard.press('Control+Alt+U');
    await workbench.notification(/Trust the workspace first/).waitFor();
  });

  it("never puts an engine in the place of Docker's socket", async () => {
    server = await WorkbenchServer.start({ env: {}, settings: { 'berth.socketPath': join(folder, 'docker.sock') }, vsix: [vsix()] });
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
    await workbench.page.getByRole('button', { name: 'Start Engine' }).first().click();
    await workbench.notification(/belongs to another container engine/).waitFor();
  });

  it('with a Node that is too old does not start the engine, and says which is needed', async () => {
    const old = join(folder, 'old-node');
    await writeFile(old, '#!/bin/sh\necho 18.20.0 false\n', { mode: 0o755 });
    server = await WorkbenchServer.start({ env: {}, settings: { 'berth.socketPath': join(folder, 'x.sock'), 'berth.node.path': old }, vsix: [vsix()] });
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
    await workbench.page.getByRole('button', { name: 'Start Engine' }).first().click();
    await workbench.notification(/needs Node 22\.15 or later, but .*old-node is version 18\.20\.0/).waitFor();
  });
});
