import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

const ticker = 'i=0; trap "exit 0" TERM; while :; do i=$((i+1)); echo "tick $i"; sleep 0.2; done';

describe('the extension in a real workbench', () => {
  let engine: TestEngine;
  let server: WorkbenchServer;
  let browser: Browser;
  let workbench: WorkbenchPage;
  let folder: string;
  failureScreenshots(() => workbench);

  before(async function () {
    this.timeout(300_000);
    folder = await mkdtemp(join(tmpdir(), 'berth-vsc-ws-'));
    engine = await TestEngine.start({ instance: 'vsc' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.berth(['engine', 'stop']);
    server = await WorkbenchServer.start({ env: engine.env, settings: { 'berth.socketPath': engine.client.socketPath }, vsix: [vsix()] });
    browser = await launchBrowser();
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    await engine?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('without an engine says so, and Start Engine starts one', async () => {
    await workbench.page.getByText('The engine is not running.').first().waitFor();
    await workbench.screenshot('no-engine');
    await workbench.page.getByRole('button', { name: 'Start Engine' }).first().click();
    await workbench.page.getByText('There are no containers.').waitFor();
    assert.equal((await engine.berth(['engine', 'status', '--json'])).status, 0);
  });

  it('shows a container started from the command line within a second', async () => {
    // The quickest of three counts: what is measured is the view, not how busy the machine is.
    const times: number[] = [];
    for (const name of ['early', 'later', 'web']) {
      const shown = workbench.row('Containers', new RegExp(`^${name}, running`)).waitFor().then(() => Date.now());
      await engine.docker(['run', '-d', '--name', name, '--hostname', `${name}-host`, ...(name === 'web' ? ['-p', '18080:80'] : []), 'debian:bookworm', 'sh', '-c', ticker]);
      const started = Date.now();
      times.push((await shown) - started);
    }
    assert.ok(Math.min(...times) < 1000, `it took ${times.join(', ')} ms`);
    assert.match(await workbench.row('Containers', /^web, running/).innerText(), /debian:bookworm\s+18080→80/);
    await engine.docker(['rm', '-f', 'early', 'later']);
    await workbench.row('Containers', /^later/).waitFor({ state: 'detached' });
  });

  it('offers exactly what suits a running container', async () => {
    assert.deepEqual(await workbench.contextMenuItems(workbench.row('Containers', /^web/)), ['Stop', 'Restart', 'Open Shell', 'Show Logs', 'Inspect', 'Copy Id', 'Remove…']);
  });

  it("opens a shell whose terminal shows the container's hostname, and knows its size", async () => {
    await workbench.contextMenu(workbench.row('Containers', /^web/), 'Open Shell');
    await workbench.waitForTerminal(/root@web-host/);
    await workbench.type('echo "host=$(hostname)" && cat /etc/os-release | head -1 && stty size');
    const text = await workbench.waitForTerminal(/\n\d+ \d+\n/);
    assert.match(text, /\nhost=web-host\n/);
    const [, rows = '', columns = ''] = /\n(\d+) (\d+)\n/.exec(text) ?? [];
    assert.ok(Number(columns) > 80, `the terminal has ${columns} columns`);
    assert.ok(Number(rows) > 3, `the terminal has ${rows} rows`);
    await workbench.screenshot('shell');
  });

  it('closing the terminal ends its shell in the container', async () => {
    const shells = async (): Promise<number> => (await engine.docker(['exec', 'web', 'sh', '-c', 'cat /proc/[0-9]*/comm 2>/dev/null || true'])).stdout.split('\n').filter((name) => name === 'bash').length;
    assert.equal(await shells(), 1);
    await workbench.command('Terminal: Kill the Active Terminal Instance');
    for (let attempt = 0; attempt < 50 && (await shells()) > 0; attempt += 1) await workbench.page.waitForTimeout(100);
    assert.equal(await shells(), 0);
  });

  it('follows the log across a restart, in one terminal', async () => {
    await workbench.contextMenu(workbench.row('Containers', /^web/), 'Show Logs');
    await workbench.waitForTerminal(/tick \d+/);
    await workbench.contextMenu(workbench.row('Containers', /^web/), 'Restart');
    const text = await workbench.waitForTerminal(/end of the log so far[^]*tick 1\n/);
    assert.match(text, /tick 1\n[^]*tick 1\n/, 'what was before and what comes after are both there');
    await workbench.command('Terminal: Kill the Active Terminal Instance');
  });

  it('Stop from its context menu stops it', async () => {
    await workbench.contextMenu(workbench.row('Containers', /^web/), 'Stop');
    await workbench.row('Containers', /^web, stopped/).waitFor();
    const { stdout } = await engine.docker(['inspect', '-f', '{{.State.Status}}', 'web']);
    assert.equal(stdout.trim(), 'exited');
  });

  it('comes back by itself after the engine was killed and started again', async () => {
    await engine.kill();
    await workbench.page.getByText('The engine is not running.').first().waitFor();
    await engine.berth(['engine', 'start']);
    await workbench.row('Containers', /^web, stopped/).waitFor();
  });

  it('an error of the engine becomes a sentence with a way to the log', async () => {
    await engine.docker(['run', '-d', '--name', 'blocker', '-p', '18080:80', 'debian:bookworm', 'sleep', '600']);
    await workbench.row('Containers', /^blocker, running/).waitFor();
    await workbench.contextMenu(workbench.row('Containers', /^web/), 'Start');
    const message = workbench.notification(/18080/);
    await message.waitFor();
    await workbench.page.getByRole('button', { name: 'Show Log' }).waitFor();
    await engine.docker(['rm', '-f', 'blocker']);
  });

  it('Remove asks, and then removes', async () => {
    await workbench.contextMenu(workbench.row('Containers', /^web/), 'Remove');
    await workbench.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await workbench.page.getByText('There are no containers.').waitFor();
    assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
  });

  it('speaks Korean to whoever speaks Korean', async () => {
    const korean = await WorkbenchPage.open(browser, server.url(folder), { language: 'ko' });
    await korean.page.getByRole('tab', { name: 'Berth', exact: true }).click();
    await korean.page.getByText('컨테이너가 없습니다.').waitFor();
    await engine.docker(['run', '-d', '--name', 'ko', 'debian:bookworm', 'sleep', '600']);
    await korean.page.getByRole('treeitem', { name: /^ko, 실행 중, 이미지 debian:bookworm/ }).waitFor();
    await korean.screenshot('korean');
    await korean.close();
  });
});
