import assert from 'node:assert/strict';
import { chown, cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import type { Browser } from 'playwright-core';
import { DevProjects } from '../support/devProjects.ts';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { EditorFront } from './support/editorFront.ts';
import { serverFolder, vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

const owner = 1000;
const env = { BERTH_EDITOR_SERVER: serverFolder, EXTENSIONS_GALLERY: '{}' };

const buoy = "const vscode = require('vscode');\nexports.activate = () => vscode.commands.registerCommand('buoy.ring', () => vscode.window.showInformationMessage('The buoy rings.'));\n";

/** A package of an extension that only has a command. */
async function makeExtension(folder: string): Promise<void> {
  const source = join(folder, 'extension');
  await mkdir(source, { recursive: true });
  const contributes = { commands: [{ command: 'buoy.ring', title: 'Ring the Buoy' }] };
  await writeFile(join(source, 'package.json'), JSON.stringify({ name: 'buoy', publisher: 'harbour', version: '1.0.0', main: './main.js', engines: { vscode: '^1.99.0' }, contributes }));
  await writeFile(join(source, 'main.js'), buoy);
  await createVSIX({ cwd: source, packagePath: join(folder, 'buoy.vsix'), dependencies: false, skipLicense: true, allowMissingRepository: true });
}

/** A project whose image is a static busybox and nothing else. */
async function bareProject(dev: DevProjects): Promise<string> {
  const context = dev.folder('busybox');
  await mkdir(context);
  await cp('/bin/busybox', join(context, 'busybox'), { dereference: true });
  await writeFile(join(context, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nCOPY passwd /etc/passwd\n');
  await dev.engine.berth(['build', '-q', '-t', 'busybox', context]);
  return dev.project('bare', { image: 'busybox' });
}

describe('Reopen in Container, in the browser', () => {
  let dev: DevProjects;
  let server: WorkbenchServer;
  let browser: Browser;
  let front: EditorFront;
  let outside: WorkbenchPage;
  let inside: WorkbenchPage | undefined;
  let folder: string;
  failureScreenshots(() => outside);
  failureScreenshots(() => inside);

  before(async function () {
    this.timeout(240_000);
    dev = await DevProjects.start('edia', { env });
    folder = await dev.project('pier', { image: 'users', runArgs: ['--hostname', 'pier'], customizations: { vscode: { extensions: ['./tools/buoy.vsix', 'nobody.nothing'], settings: { 'editor.fontSize': 23, 'json.validate.enable': false } } } }, owner);
    await makeExtension(join(folder, 'tools'));
    await writeFile(join(folder, 'notes.txt'), 'from outside\n');
    await chown(join(folder, 'notes.txt'), owner, owner);
    front = await EditorFront.start();
    server = await WorkbenchServer.start({ env: { ...dev.engine.env, ...front.env }, settings: { 'berth.socketPath': dev.engine.client.socketPath }, vsix: [vsix()] });
    browser = await launchBrowser();
    outside = await WorkbenchPage.open(browser, server.url(folder));
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    front?.close();
    await dev?.remove();
  });

  it('says once that the folder has a dev container, and the command leads into it', async function () {
    this.timeout(180_000);
    await outside.notification(/pier has a dev container/).waitFor();
    await outside.openBerth();
    const opened = outside.page.context().waitForEvent('page', { timeout: 150_000 });
    await outside.command('Berth: Reopen in Container');
    const page = await opened;
    inside = await WorkbenchPage.opened(page).catch((error: unknown) => assert.fail(`${page.url()}: ${String(error)}`));
    const url = new URL(page.url());
    assert.deepEqual([url.hostname, url.searchParams.get('folder')], ['127.0.0.1', '/workspaces/pier']);
    assert.equal(url.searchParams.has('tkn'), false, 'the token is not kept in the address');
    await outside.row('Dev Containers', /^pier, running/).waitFor();
  });

  it("the integrated terminal is the container's, as the remote user with the user's environment", async () => {
    assert.ok(inside);
    await inside.command('Terminal: Create New Terminal');
    await inside.waitForTerminal(/sailor@pier/);
    await inside.type('echo "I am $(id -un) on $(hostname) in $PWD, $FROM_PROFILE" && touch made-inside');
    await inside.waitForTerminal(/\nI am sailor on pier in \/workspaces\/pier, yes\n/);
    await inside.screenshot('reopened-in-browser');
    assert.equal((await stat(join(folder, 'made-inside'))).uid, owner);
  });

  it('what is edited inside is outside, with the owner it had', async () => {
    assert.ok(inside);
    await inside.page.keyboard.press('Control+P');
    await inside.page.locator('.quick-input-widget input[type=text]').fill('notes.txt');
    // The list has other rows until the search has ended.
    await inside.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'notes.txt' }).first().click();
    const lines = inside.page.locator('.editor-instance .view-lines');
    await lines.getByText('from outside').waitFor();
    assert.equal(await lines.evaluate((element) => (globalThis as unknown as { getComputedStyle(of: unknown): { fontSize: string } }).getComputedStyle(element).fontSize), '23px', 'the settings of devcontainer.json are applied');
    await lines.click();
    await inside.page.keyboard.press('Control+Home');
    await inside.page.keyboard.type('from inside, ');
    await lines.getByText('from inside, from outside').waitFor();
    await inside.page.keyboard.press('Control+S');
    const path = join(folder, 'notes.txt');
    for (let attempt = 0; attempt < 200 && !(await readFile(path, 'utf8')).startsWith('from inside'); attempt += 1) await inside.page.waitForTimeout(50);
    assert.equal(await readFile(path, 'utf8'), 'from inside, from outside\n');
    assert.equal((await stat(path)).uid, owner);
  });

  it('the extensions of devcontainer.json are there', async () => {
    assert.ok(inside);
    await inside.command('Ring the Buoy');
    await inside.notification('The buoy rings.').waitFor();
  });

  it("nothing of it is in the container's own files", async () => {
    const [id = ''] = await dev.containersOf(folder);
    const upper = join(dev.engine.root, 'data', 'containers', id, 'upper');
    const written = (await readdir(upper, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(upper.length));
    assert.deepEqual(written.filter((path) => !path.startsWith('/home/sailor/.bash') && !path.startsWith('/etc/')), []);
  });

  it('an address stays good when the container, and then the engine, are started again; without the token nobody gets in', async function () {
    this.timeout(60_000);
    const open = async (): Promise<string> => (await dev.engine.berth(['open', '--web', '--no-browser', folder])).stdout.trim();
    const url = await open();
    const [id = ''] = await dev.containersOf(folder);
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 302);
    assert.equal((await fetch(url.replace(/tkn=[^&]*&/, ''))).status, 403);
    await dev.engine.docker(['restart', '-t', '1', id]);
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 302, 'the server is started for whoever comes');
    await dev.engine.kill();
    await dev.engine.berth(['engine', 'start']);
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 302);
    assert.equal(await open(), url);
    await dev.engine.docker(['stop', '-t', '1', id]);
    const answer = await fetch(url);
    assert.deepEqual([answer.status, /is exited\. Start it with: berth up/.test(await answer.text())], [503, true]);
    assert.equal((await dev.engine.berth(['exec', '--folder', folder, 'true'], { okStatus: 'any' })).status === 0, false, 'looking at a stopped one does not start it');
  });

  it('a rebuild keeps the extensions and the address; down takes everything', async function () {
    this.timeout(60_000);
    const { stdout: url, stderr } = await dev.engine.berth(['open', '--web', '--no-browser', folder]);
    assert.doesNotMatch(stderr, /Installing 2 extensions/);
    await dev.up(folder, ['--remove-existing-container']);
    assert.equal((await dev.engine.berth(['open', '--web', '--no-browser', folder])).stdout, url);
    assert.match(await dev.inside(folder, 'ls /var/opt/berth/extensions'), /harbour\.buoy/);
    await dev.engine.berth(['down', folder]);
    assert.deepEqual(await readdir(join(dev.engine.root, 'data', 'web-editors')), []);
    assert.deepEqual((await dev.volumes()).filter((name) => name.startsWith('berth-editor-')), []);
  });

  it('works in a container without a C library, too', async function () {
    this.timeout(60_000);
    const url = (await dev.engine.berth(['open', '--web', '--no-browser', await bareProject(dev)])).stdout.trim();
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 302);
  });
});

describe("a container without a C library, on a host without patchelf", () => {
  it('gets a clear answer', async function () {
    this.timeout(120_000);
    const dev = await DevProjects.start('edic', { env, hide: ['/usr/bin/patchelf'] });
    try {
      const folder = await bareProject(dev);
      const { status, stderr } = await dev.engine.berth(['open', '--web', '--no-browser', folder], { okStatus: 'any' });
      assert.match(stderr, /cannot run in the dev container of .*needs glibc.*patchelf.*\[EDITOR_CANNOT_RUN\]/s);
      assert.equal(status, 1);
    } finally {
      await dev.remove();
    }
  });
});
