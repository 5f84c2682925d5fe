import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import ssh2 from 'ssh2';
import { generateSshKey, publicKeyBlob } from '../../../engine/base/sshKey.ts';
import { aliasOf, findTarget } from '../../../engine/cli/commands/ssh/target.ts';
import { replaceSection, withInclude, withoutInclude } from '../../../engine/cli/commands/ssh/configText.ts';
import type { HostEntry } from '../../../engine/cli/commands/ssh/configText.ts';
import { InsideRoot } from '../../../engine/endpoint/agent/insideRoot.ts';
import { Listeners } from '../../../engine/endpoint/agent/listeners.ts';
import { addressesIn, nameServersIn } from '../../../engine/endpoint/agent/resolveHost.ts';
import { longName } from '../../../engine/endpoint/agent/sftp/longName.ts';
import { PacketReader } from '../../../engine/endpoint/agent/sftp/packetReader.ts';
import { BadPacket } from '../../../engine/endpoint/agent/sftp/protocol.ts';
import { gitConfigEnv, parseCacheRequest } from '../../../engine/endpoint/gitCredentials.ts';
import { aliasName, freeName } from '../../../engine/endpoint/names.ts';
import { scpArguments } from '../../../engine/endpoint/scpCommand.ts';
import { sttyArguments } from '../../../engine/endpoint/terminalModes.ts';

const entry = (alias: string, more: Partial<HostEntry> = {}): HostEntry => ({ alias, user: 'me', identityFile: '/k', knownHostsFile: '/h', proxy: ['/n', '/b', 'ssh-proxy', 'x'], forwardAgent: true, ...more });

describe('keys of the SSH endpoint', () => {
  it('are read by ssh2, and a signature by one half is verified by the other', () => {
    const { privateKey, publicKey } = generateSshKey('a comment');
    const [secret, open] = [ssh2.utils.parseKey(privateKey), ssh2.utils.parseKey(publicKey)];
    assert.ok(!(secret instanceof Error) && !(open instanceof Error));
    assert.equal(secret.comment, 'a comment');
    assert.equal(open.verify(Buffer.from('data'), secret.sign(Buffer.from('data'))), true);
    assert.equal(publicKeyBlob(publicKey), open.getPublicSSH().toString('base64'));
  });

  it('are nothing but ed25519', () => {
    for (const line of ['', 'ssh-rsa AAAA', 'ssh-ed25519', 'ssh-ed25519 AAAA', `ssh-ed25519 ${Buffer.alloc(51).toString('base64')}`]) assert.equal(publicKeyBlob(line), undefined, line);
  });
});

describe('sockets that the agent makes in a container', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-listeners-'));
  const fd = openSync(root, 'r');
  const listeners = new Listeners(new InsideRoot(fd), () => undefined);
  after(() => {
    closeSync(fd);
    rmSync(root, { recursive: true });
  });

  it('are gone with their folder when they are closed', async () => {
    const { path } = await listeners.private(1, ['/missing', '/'], 'git');
    assert.match(path ?? '', /^\/+berth-[0-9a-f]+\/git$/);
    assert.equal(readdirSync(root).length, 1);
    listeners.close(1);
    assert.deepEqual(readdirSync(root), []);
  });

  it('are gone, too, when all are closed before they listen', async () => {
    const begun = listeners.private(2, ['/'], 'git');
    listeners.closeAll();
    await assert.rejects(begun, { code: 'ECANCELED' });
    assert.deepEqual(readdirSync(root), []);
  });

  it('take the place of an old socket, but of nothing else', async () => {
    await listeners.unix(3, '/own', true);
    await listeners.unix(4, '/own', true);
    await assert.rejects(listeners.unix(5, '/own', false), { code: 'EADDRINUSE' });
    assert.deepEqual(readdirSync(root), ['own']);
    listeners.closeAll();
    assert.deepEqual(readdirSync(root), []);
  });
});

describe('host aliases', () => {
  it('are lower case and plain, and each is one’s own', () => {
    assert.deepEqual(['My App', 'Übung_2', '..', '-a-', 'x'.repeat(60)].map(aliasName), ['my-app', 'ubung-2', 'container', 'a', 'x'.repeat(40)]);
    assert.equal(freeName('App', new Set(['app', 'app-2'])), 'app-3');
    assert.equal(aliasOf('app', undefined), 'app.berth');
    assert.equal(aliasOf('app', 'Big Box'), 'app.big-box.berth');
  });

  it('are found again, on a remote host too', () => {
    const target = { kind: 'devcontainer' as const, id: 'i', containerId: 'c', name: 'app', user: 'u', folder: '/f', configFile: '/f/d', state: 'running', hostKey: '', authorized: [] };
    for (const name of ['app', 'app.berth', 'APP.berth', 'app.box.berth', 'i', 'c', '/f']) assert.equal(findTarget([target], name), target, name);
    assert.equal(findTarget([target], 'ap'), undefined);
  });
});

describe('the file of host entries', () => {
  it('keeps the sections of other engines, and forgets its own without entries', () => {
    const both = replaceSection(replaceSection('', 'local', [entry('a.berth')]), 'box', [entry('a.box.berth')]);
    assert.match(both, /Host a\.berth[^]*Host a\.box\.berth|Host a\.box\.berth[^]*Host a\.berth/);
    const less = replaceSection(both, 'local', []);
    assert.match(less, /Host a\.box\.berth/);
    assert.doesNotMatch(less, /Host a\.berth/);
    assert.equal(replaceSection(less, 'box', [entry('a.box.berth')]), less);
  });

  it('needs no shell to take a ProxyCommand apart, and serves Windows paths', () => {
    const text = replaceSection('', 'local', [entry('a.berth', { proxy: ['C:\\node.exe', 'C:\\b.cjs', 'ssh-proxy', 'a'], identityFile: 'C:\\Users\\A B\\k' })]);
    assert.match(text, /^ {2}ProxyCommand C:\\node\.exe C:\\b\.cjs ssh-proxy a$/m);
    assert.match(text, /^ {2}IdentityFile "C:\/Users\/A B\/k"$/m);
    assert.match(text, /^ {2}StrictHostKeyChecking yes$/m);
  });

  it('is included once, first, and taken out without a trace', () => {
    const mine = 'Host *\n  Port 2\n';
    const once = withInclude(mine, '~/.ssh/berth/config');
    assert.equal(once, `Include ~/.ssh/berth/config\n${mine}`);
    assert.equal(withInclude(once, '~/.ssh/berth/config'), once);
    assert.equal(withoutInclude(once, '~/.ssh/berth/config'), mine);
  });
});

describe('small parts of the endpoint', () => {
  it('git’s credential cache says what it wants, and git is given settings after those there are', () => {
    assert.deepEqual(parseCacheRequest('action=get\ntimeout=900\nprotocol=https\nhost=h\n'), { action: 'fill', input: 'protocol=https\nhost=h\n\n' });
    assert.equal(parseCacheRequest('action=exit\n'), undefined);
    assert.equal(parseCacheRequest('action=get\ntimeout=900\n'), undefined);
    assert.deepEqual(gitConfigEnv([['a.b', 'c']], ['GIT_CONFIG_COUNT=2']), ['GIT_CONFIG_COUNT=3', 'GIT_CONFIG_KEY_2=a.b', 'GIT_CONFIG_VALUE_2=c']);
    assert.deepEqual(gitConfigEnv([], []), []);
  });

  it('host names are looked up in the container’s own files', () => {
    assert.deepEqual(addressesIn('# x\n::1 localhost ip6\n127.0.0.1\tlocalhost # y\n10.0.0.2 Db db.local\n', 'localhost'), ['127.0.0.1', '::1']);
    assert.deepEqual(addressesIn('10.0.0.2 Db db.local\nnonsense db\n', 'db'), ['10.0.0.2']);
    assert.deepEqual(nameServersIn('search x\nnameserver 10.0.0.1\nnameserver bad\n'), ['10.0.0.1']);
  });

  it('a terminal is told only what it does not do by itself', () => {
    assert.deepEqual(sttyArguments({ ECHO: 1, ICANON: 1, VINTR: 3, VERASE: 127 }), []);
    assert.deepEqual(sttyArguments({ ECHO: 0, IUTF8: 1, VERASE: 8, VSUSP: 255 }), ['-echo', 'iutf8', 'erase', '8', 'susp', 'undef']);
  });

  it('a packet of any bytes is read to its end, or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const packet = new PacketReader(Buffer.from(bytes));
        try {
          packet.text();
          packet.attributes();
          packet.uint64();
        } catch (error) {
          assert.ok(error instanceof BadPacket, String(error));
        }
        assert.ok(packet.left >= 0);
      }),
    );
    const packet = new PacketReader(Buffer.from('00000003616263000000050000000000000007000001a4', 'hex'));
    assert.deepEqual([packet.text(), packet.attributes(), packet.left], ['abc', { size: 7n, permissions: 0o644 }, 0]);
  });

  it('the far end of scp is ours to play, unless it takes a shell', () => {
    assert.deepEqual(scpArguments('scp -r -p -t -- copied'), ['-r', '-p', '-t', 'copied']);
    assert.deepEqual(scpArguments(`scp -f 'a b' c\\ d "e'f"`), ['-f', 'a b', 'c d', "e'f"]);
    for (const command of ['scp a b', 'scp -f *.txt', 'scp -t ~/x', 'scp -t $HOME', 'scp -t x; id', 'scp -t "$(id)"', 'scp -x -t y', 'scp -t', 'echo scp -t x', 'scp -t x\nid']) assert.equal(scpArguments(command), undefined, command);
  });

  it('a file is listed as ls does it', () => {
    const stats = Object.assign(Object.create(Stats.prototype) as Stats, { mode: 0o104755, nlink: 1, uid: 501, gid: 20, size: 5, mtime: new Date('2024-03-07T09:05:00Z') });
    assert.equal(longName('x', stats, Date.parse('2024-03-08')), '-rwsr-xr-x   1 501      20              5 Mar  7 09:05 x');
    assert.equal(longName('x', stats, Date.parse('2026-03-08')), '-rwsr-xr-x   1 501      20              5 Mar  7  2024 x');
  });
});
