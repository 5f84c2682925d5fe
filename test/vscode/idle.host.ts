import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { TestEngine } from '../support/engine.ts';
import { vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

describe('an engine with nothing to do', () => {
  let engine: TestEngine;
  let server: WorkbenchServer;
  let browser: Browser;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-idle-'));
    engine = await TestEngine.start({ instance: 'vsci', env: { BERTH_IDLE_SECONDS: '3' } });
    server = await WorkbenchServer.start({ env: engine.env, vsix: [vsix()] });
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    await engine?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves although the extension listens to its events, and comes back when asked for', async () => {
    const workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
    await workbench.page.getByRole('button', { name: 'Start Engine' }).first().waitFor();
    await workbench.page.getByRole('button', { name: 'Start Engine' }).first().click();
    await workbench.page.getByText('There are no containers.').waitFor();
    await workbench.page.getByText('The engine is not running.').first().waitFor();
    await engine.berth(['ps']);
    await workbench.page.getByText('There are no containers.').waitFor();
  });
});
