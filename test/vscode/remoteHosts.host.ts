import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Browser } from 'playwright-core';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { RemoteHost } from '../support/remoteHost.ts';
import { EditorFront } from './support/editorFront.ts';
import { failureScreenshots } from './support/failureScreenshots.ts';
import { repository, serverFolder, vsix } from './support/installed.ts';
import { launchBrowser, WorkbenchPage } from './support/workbenchPage.ts';
import { WorkbenchServer } from './support/workbenchServer.ts';

const HOST = 'rbvsc';
const PASSWORD = 'open sesame';
const FOLDER = '/root/far';
const definition = JSON.stringify({ image: 'debian:bookworm', postCreateCommand: 'echo made on $(hostname) > made', runArgs: ['--hostname', 'faraway'], portsAttributes: { '28790': { label: 'Beacon' } } });
const LISTENER = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:28790", Listen => 5, ReuseAddr => 1); while (my $c = $s->accept) { print $c "from far away\\n"; close $c }`;

describe('remote hosts in a real workbench', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  let server: WorkbenchServer;
  let browser: Browser;
  let workbench: WorkbenchPage;
  let inside: WorkbenchPage | undefined;
  let front: EditorFront;
  failureScreenshots(() => workbench);
  failureScreenshots(() => inside);

  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    const sshdConfig = ['PermitRootLogin yes', 'PasswordAuthentication yes', 'PubkeyAuthentication no', 'SetEnv BERTH_EDITOR_SERVER=/opt/editor-server EXTENSIONS_GALLERY={}'];
    host = await RemoteHost.start({ name: HOST, sshdConfig, folders: { '/opt/editor-server': serverFolder } });
    await host.exec(`echo 'root:${PASSWORD}' | chpasswd; mkdir -p ${FOLDER}/.devcontainer; cat > ${FOLDER}/.devcontainer/devcontainer.json`, { input: definition });
    await writeFile(join(client.home, '.ssh/config'), `Host ${HOST}\n  HostName ${host.address}\n  User root\n  UserKnownHostsFile ${client.home}/.ssh/known_hosts\n`, { mode: 0o600 });
    const folder = join(client.home, 'shore');
    await mkdir(folder);
    await writeFile(join(folder, '.devcontainer.json'), JSON.stringify({ image: 'debian:bookworm' }));
    front = await EditorFront.start();
    server = await WorkbenchServer.start({ env: { ...client.env, ...front.env }, settings: { 'berth.engine.archives': join(repository, 'dist') }, vsix: [vsix()] });
    browser = await launchBrowser();
    workbench = await WorkbenchPage.open(browser, server.url(folder));
    await workbench.openBerth();
  });

  after(async () => {
    await browser?.close();
    await client?.berth(['host', 'disconnect', HOST], { okStatus: 'any' });
    await server?.stop();
    front?.close();
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });

  const hostRow = (state: string): ReturnType<WorkbenchPage['row']> => workbench.row('Hosts', new RegExp(`^${HOST}, ${state}`));

  it('a host is added: its key is shown with the fingerprint, a wrong password is asked for again, the engine is brought there', async function () {
    this.timeout(180_000);
    await workbench.page.getByRole('button', { name: 'Hosts Section', exact: true }).click();
    await workbench.command('Berth: Add Host');
    await workbench.answer('The host, as SSH knows it', HOST);
    const { stdout: fingerprint } = await run('ssh-keygen', ['-lf', join(host.folder, 'host_key.pub')]);
    await workbench.dialog().getByText(fingerprint.split(' ')[1] ?? 'none').waitFor();
    await workbench.screenshot('remote-host-key');
    await workbench.dialog().getByRole('button', { name: 'Trust and Connect' }).click();
    await workbench.answer(`Password of root on ${host.address}`, 'not it');
    await workbench.page.getByText('That was not the right password. Try again.').waitFor();
    await workbench.screenshot('remote-password-again');
    await workbench.answer('That was not the right password', PASSWORD);
    await workbench.notification(new RegExp(`Connecting to ${HOST}.*(uploading|unpacking|starting)`)).waitFor();
    await workbench.screenshot('remote-connecting');
    await hostRow('connected').waitFor({ timeout: 120_000 });
    assert.match(await readFile(join(client.home, '.ssh/known_hosts'), 'utf8'), /ssh-ed25519/);
    assert.equal(await run('grep', ['-rls', PASSWORD, client.home], { okStatus: 'any' }).then(({ stdout }) => stdout), '', 'the password is kept nowhere');
  });

  it("its containers are in the tree under the host, beside this machine's", async () => {
    // Past the link: what that carries is tested elsewhere.
    await run('docker', ['-H', `unix://${host.root}/run/berth/berth.sock`, 'import', await baseTar(), 'debian:bookworm']);
    await client.docker(HOST, ['run', '-d', '--name', 'buoy', '--stop-timeout', '1', 'debian:bookworm', 'sleep', '1000']);
    await workbench.row('Containers', /^buoy, running/).waitFor();
    await workbench.row('Containers', 'This machine, engine not running').waitFor();
    await workbench.row('Containers', HOST).first().waitFor();
    await workbench.contextMenu(workbench.row('Containers', /^buoy, running/), 'Stop');
    await workbench.row('Containers', /^buoy, stopped/).waitFor({ timeout: 60_000 });
    await workbench.screenshot('remote-tree');
    const korean = await WorkbenchPage.open(browser, server.url(join(client.home, 'shore')), { language: 'ko' });
    await korean.page.getByRole('tab', { name: 'Berth', exact: true }).click();
    await korean.page.getByRole('button', { name: '호스트 Section' }).click();
    await korean.page.getByRole('treeitem', { name: `${HOST}, 연결됨` }).waitFor();
    await korean.screenshot('remote-korean');
    await korean.close();
  });

  it('a dev container of a folder there comes up, with its steps told, and its editor opens in the browser', async function () {
    this.timeout(240_000);
    await workbench.contextMenu(hostRow('connected'), 'Open on Remote Host');
    await workbench.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: `A folder on ${HOST}` }).click();
    const opened = workbench.page.context().waitForEvent('page', { timeout: 200_000 });
    await workbench.answer(`The folder of the project on ${HOST}`, FOLDER);
    await workbench.notification(new RegExp(`Dev container far on ${HOST}`)).waitFor();
    await workbench.screenshot('remote-up');
    await workbench.row('Dev Containers', /^far, running/).waitFor({ timeout: 120_000 });
    const page = await opened;
    inside = await WorkbenchPage.opened(page).catch((error: unknown) => assert.fail(`${page.url()}: ${String(error)}`));
    assert.equal(new URL(page.url()).hostname, '127.0.0.1');
    await inside.command('Terminal: Create New Terminal');
    await inside.waitForTerminal(/root@faraway/);
    await inside.type('cat made');
    await inside.waitForTerminal(/\nmade on faraway\n/);
    await inside.screenshot('remote-in-browser');
    await inside.page.close();
    inside = undefined;
    const url = (await client.berth(['--host', HOST, 'open', '--web', '--no-browser', `host:${FOLDER}`])).stdout.trim();
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 302, 'the command line leads there, too');
    await workbench.notification(new RegExp(`Dev container far on ${HOST}`)).waitFor({ state: 'detached' });
  });

  it('a rebuild makes another container there, and leads into it', async function () {
    this.timeout(180_000);
    const id = async (): Promise<string> => (await client.docker(HOST, ['ps', '-q', '--filter', `label=devcontainer.local_folder=${FOLDER}`])).stdout.trim();
    const before = await id();
    const opened = workbench.page.context().waitForEvent('page', { timeout: 150_000 });
    await workbench.contextMenu(workbench.row('Dev Containers', /^far, running/), 'Rebuild and Reopen');
    await (await opened).close();
    assert.notEqual(await id(), before);
  });

  it('a folder of this window is brought there, and kept equal', async function () {
    this.timeout(180_000);
    await workbench.contextMenu(hostRow('connected'), 'Open on Remote Host');
    const opened = workbench.page.context().waitForEvent('page', { timeout: 150_000 });
    await workbench.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'shore, of this window' }).click();
    await workbench.notification(/(Copying .*shore to|Dev container shore on)/).first().waitFor();
    await (await opened).close();
    await workbench.row('Dev Containers', /^shore, running/).waitFor();
    await writeFile(join(client.home, 'shore', 'driftwood'), 'from here\n');
    const there = async (): Promise<string> => (await host.exec('cat /root/berth/*/shore/driftwood', { okStatus: 'any' })).stdout;
    for (let attempt = 0; attempt < 400 && (await there()) === ''; attempt += 1) await workbench.page.waitForTimeout(50);
    assert.equal(await there(), 'from here\n');
  });

  it('what listens there is told, with the address here, and answers', async () => {
    await workbench.contextMenu(workbench.row('Dev Containers', /^far, running/), 'Open Shell');
    await workbench.waitForTerminal(/faraway/);
    await workbench.type(`perl -e '${LISTENER}' &`);
    await workbench.notification(/Beacon \(port 28790 of .*\) is open, and reached at 127\.0\.0\.1:\d+/).waitFor();
    await workbench.expand(workbench.row('Dev Containers', /^far, running/));
    const row = workbench.row('Dev Containers', /^Port 28790, 127\.0\.0\.1:\d+/);
    const port = Number(/127\.0\.0\.1:(\d+)/.exec((await row.getAttribute('aria-label')) ?? '')?.[1]);
    assert.equal(await text(connect(port, '127.0.0.1')), 'from far away\n');
    await workbench.screenshot('remote-port');
  });

  it('a lost link is shown, and mended: the shell goes on', async function () {
    this.timeout(120_000);
    await host.cut();
    await hostRow('connection lost').waitFor({ timeout: 60_000 });
    await workbench.row('Containers', `${HOST}, connection lost, connecting again`).waitFor();
    await workbench.row('Dev Containers', /^far, running/).waitFor();
    await workbench.screenshot('remote-lost');
    await host.restore();
    await workbench.contextMenu(hostRow('connection lost'), 'Connect to Host');
    await workbench.answer(`Password of root on ${host.address}`, PASSWORD);
    await hostRow('connected').waitFor({ timeout: 60_000 });
    await workbench.type('echo still $((40+2))');
    await workbench.waitForTerminal(/still 42/);
  });

  it('is taken off the list, and its rows go', async () => {
    await workbench.contextMenu(hostRow('connected'), 'Remove Host');
    await workbench.dialog().getByRole('button', { name: 'Remove' }).click();
    await hostRow('').waitFor({ state: 'detached' });
    await workbench.row('Dev Containers', /^far/).waitFor({ state: 'detached' });
    assert.equal((await client.berth(['host', 'list', '--json'])).stdout.trim(), '[]');
  });
});
