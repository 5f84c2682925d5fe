import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';
import { TestRegistry } from '../support/registry.ts';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { repository, vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

/** The sample's image is built from Debian's packages. */
const upMs = 420_000;

describe('a dev container in a real workbench', () => {
  let engine: TestEngine;
  let registry: TestRegistry;
  let server: WorkbenchServer;
  let browser: Browser;
  let workbench: WorkbenchPage;
  let root: string;
  failureScreenshots(() => workbench);

  before(async function () {
    this.timeout(300_000);
    root = await mkdtemp(join(tmpdir(), 'berth-vsc-dev-'));
    await cp(join(repository, 'samples/hello'), join(root, 'hello'), { recursive: true });
    engine = await TestEngine.start({ instance: 'vscd' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.berth(['engine', 'stop']);
    registry = await TestRegistry.start({ users: { sailor: 'ahoy' } });
    await mkdir(join(root, 'docker'));
    server = await WorkbenchServer.start({ env: { ...engine.env, DOCKER_CONFIG: join(root, 'docker') }, settings: { 'berth.socketPath': engine.client.socketPath }, vsix: [vsix()] });
    browser = await launchBrowser();
    workbench = await WorkbenchPage.open(browser, server.url(join(root, 'hello')));
    await workbench.openBerth();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    await engine?.remove();
    await registry?.stop();
    await rm(root, { recursive: true, force: true });
  });

  it('is in the view before it is made, with what can be done', async () => {
    const row = workbench.row('Dev Containers', /^hello, not created yet/);
    await row.waitFor();
    assert.deepEqual(await workbench.contextMenuItems(row), ['Reopen in Container', 'Open in Browser', 'Up', 'Open devcontainer.json']);
  });

  it('Up starts the engine, builds, runs, and tells on its row what it does', async function () {
    this.timeout(upMs);
    const row = workbench.row('Dev Containers', /^hello/);
    await workbench.contextMenu(row, 'Up');
    await workbench.row('Dev Containers', /^hello, starting/).waitFor();
    await row.getByText(/building/).waitFor({ timeout: upMs });
    await workbench.screenshot('up');
    await workbench.row('Dev Containers', /^hello, running/).waitFor({ timeout: upMs });
  });

  it('Open devcontainer.json opens the definition', async () => {
    await workbench.contextMenu(workbench.row('Dev Containers', /^hello/), 'Open devcontainer.json');
    await workbench.page.getByRole('tab', { name: /^devcontainer\.json/ }).waitFor();
    await workbench.page.locator('.view-lines').getByText('postCreateCommand').waitFor();
  });

  it('Open Shell opens it as the remote user in the workspace folder', async () => {
    await workbench.contextMenu(workbench.row('Dev Containers', /^hello/), 'Open Shell');
    await workbench.waitForTerminal(/sailor@/);
    await workbench.type('echo "$(whoami) in $(pwd)" && python3 -m unittest 2>&1 | tail -1');
    const text = await workbench.waitForTerminal(/\nOK\n/);
    assert.match(text, /\nsailor in \/workspaces\/hello\n/);
    await workbench.screenshot('workbench-shell');
    await workbench.type('exit');
  });

  it('Stop stops it, and Up starts the same container again', async function () {
    this.timeout(upMs);
    const id = async (): Promise<string> => (await engine.docker(['ps', '-aq'])).stdout;
    const before = await id();
    await workbench.contextMenu(workbench.row('Dev Containers', /^hello/), 'Stop');
    await workbench.row('Dev Containers', /^hello, stopped/).waitFor();
    await workbench.contextMenu(workbench.row('Dev Containers', /^hello/), 'Up');
    await workbench.row('Dev Containers', /^hello, running/).waitFor();
    assert.equal(await id(), before);
  });

  it('shows a definition as soon as it is written, and a mistake in it as a sentence with its place', async () => {
    await mkdir(join(root, 'hello/.devcontainer/slow'), { recursive: true });
    await writeFile(join(root, 'hello/.devcontainer/slow/devcontainer.json'), '{\n  "image": "debian:bookworm",\n  "forwardPorts": "80"\n}\n');
    const row = workbench.row('Dev Containers', /^hello \(slow\), not created yet/);
    await row.waitFor();
    await workbench.contextMenu(row, 'Up');
    await workbench.notification(/slow\/devcontainer\.json:3:\d+ is not right at \/forwardPorts/).waitFor();
    await row.waitFor();
  });

  it('Up sends the user’s login at a registry: it says that the image is not there, where it tells others nothing', async () => {
    await writeFile(join(root, 'hello/.devcontainer/slow/devcontainer.json'), JSON.stringify({ image: `${registry.host}/team/private:1` }));
    const row = workbench.row('Dev Containers', /^hello \(slow\)/);
    const login = join(root, 'docker/config.json');
    await workbench.contextMenu(row, 'Up');
    await workbench.notification(/wants a login for .*team\/private/).waitFor();
    await writeFile(login, JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('sailor:ahoy').toString('base64') } } }));
    await workbench.row('Dev Containers', /^hello \(slow\), not created yet/).waitFor();
    await workbench.contextMenu(row, 'Up');
    await workbench.notification(/does not have .*team\/private/).waitFor();
    await rm(login);
  });

  it('Cancel ends what Up began, and nothing is left of it', async () => {
    await writeFile(join(root, 'hello/.devcontainer/slow/Dockerfile'), 'FROM debian:bookworm\nRUN sleep 271828\n');
    await writeFile(join(root, 'hello/.devcontainer/slow/devcontainer.json'), '{ "build": { "dockerfile": "Dockerfile" } }\n');
    const row = workbench.row('Dev Containers', /^hello \(slow\)/);
    await workbench.contextMenu(row, 'Up');
    await row.getByText(/RUN sleep/).waitFor();
    await workbench.contextMenu(row, 'Cancel');
    await workbench.row('Dev Containers', /^hello \(slow\), not created yet/).waitFor();
    const sleeping = async (): Promise<boolean> => (await run('pgrep', ['-f', 'sleep 271828'], { okStatus: 'any' })).status === 0;
    for (let attempt = 0; attempt < 100 && (await sleeping()); attempt += 1) await workbench.page.waitForTimeout(50);
    assert.equal(await sleeping(), false, 'the step of the build goes on');
    await rm(join(root, 'hello/.devcontainer/slow'), { recursive: true });
    await row.waitFor({ state: 'detached' });
  });

  it('Remove leaves the definition', async () => {
    await workbench.contextMenu(workbench.row('Dev Containers', /^hello/), 'Remove');
    await workbench.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await workbench.row('Dev Containers', /^hello, not created yet/).waitFor();
  });
});
