import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { BerthError } from '../../../../engine/base/errors.ts';
import { run, start } from '../../../../engine/host/process.ts';
import type { HostConnection } from '../../../../engine/remote/connection.ts';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import type { ConnectOptions } from '../../../../engine/remote/ssh/connect.ts';
import { assertRunsCommands } from '../../../../engine/remote/ssh/forcedCommand.ts';
import { person } from '../../../support/asked.ts';
import { outputOf } from '../../../support/remoteOutput.ts';
import { Sshd } from '../../../support/sshd.ts';

const PORT = 28110;
const URL = `ssh://root@127.0.0.1:${PORT}`;

async function refused(connecting: Promise<HostConnection>, code: string, words: RegExp): Promise<void> {
  const error: unknown = await connecting.then(
    async (connection) => {
      await connection.close();
      return new Error('it connected');
    },
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof BerthError, String(error));
  assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message);
}

describe('what keeps a connection by ssh2 from being made', () => {
  let sshd: Sshd;
  const connect = (options: Partial<ConnectOptions> = {}, url = URL): Promise<HostConnection> => connectToHost(url, { ...sshd.client, transport: 'ssh2', ask: person().ask, ...options });
  const works = async (options: Partial<ConnectOptions> = {}, url = URL): Promise<void> => {
    const connection = await connect(options, url);
    assert.equal((await outputOf(connection, 'echo in')).stdout, 'in\n');
    await connection.close();
  };

  before(async () => {
    sshd = await Sshd.start({ port: PORT });
  });
  afterEach(async () => {
    await sshd.configure('');
    await writeFile(join(sshd.home, '.ssh/known_hosts'), `[127.0.0.1]:${PORT} ${sshd.hostKey}\n`);
  });
  after(() => sshd?.stop());

  describe('the way', () => {
    it('a name that does not exist', () => refused(connect({}, 'root@nowhere.invalid'), 'SSH_NAME_UNKNOWN', /nowhere\.invalid/));
    it('a port where nothing listens', () => refused(connect({}, 'root@127.0.0.1:28199'), 'SSH_REFUSED', /127\.0\.0\.1:28199/));

    const servers: ReadonlyArray<readonly [string, (socket: Socket) => void, string, RegExp]> = [
      ['a server that closes at once', (socket) => socket.destroy(), 'SSH_CLOSED_AT_ONCE', /before it introduced itself/],
      ['a web server', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')), 'SSH_NOT_SSH', /HTTP\/1\.1 400/],
      ['a server that is full', (socket) => socket.end('Exceeded MaxStartups\r\n'), 'SSH_CLOSED_AT_ONCE', /MaxStartups/],
      ['a server that leaves after its name', (socket) => socket.end('SSH-2.0-Gone\r\n'), 'SSH_HANDSHAKE_FAILED', /SSH-2\.0-Gone/],
      ['a server that says nothing', () => undefined, 'SSH_TIMED_OUT', /within 1 s \(step: key exchange\)/],
    ];
    for (const [name, serve, code, words] of servers) {
      it(name, async () => {
        const sockets: Socket[] = [];
        const server: Server = createServer((socket) => {
          sockets.push(socket.on('error', () => undefined));
          serve(socket);
        }).listen(PORT + 1, '127.0.0.1');
        await once(server, 'listening');
        try {
          await sshd.configure('ConnectTimeout 1');
          await refused(connect({}, `root@127.0.0.1:${PORT + 1}`), code, words);
        } finally {
          for (const socket of sockets) socket.destroy();
          server.close();
        }
      });
    }

    it('someone who changes their mind', async () => {
      await sshd.configure('UserKnownHostsFile /dev/null');
      const stop = new AbortController();
      const ask: ConnectOptions['ask'] = (_, signal) => {
        stop.abort();
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
      };
      await refused(connect({ ask, signal: stop.signal }), 'CANCELLED', /cancelled/);
    });

    it('algorithms that leave nothing in common', async () => {
      await sshd.configure('Ciphers chacha20-poly1305@openssh.com');
      await refused(connect(), 'SSH_HANDSHAKE_FAILED', /Ciphers/);
    });
  });

  describe('a proxy', () => {
    it('a command leads there, with its tokens', async () => {
      await sshd.configure('Host box', ` ProxyCommand ${process.execPath} -e "const s=require('net').connect(${PORT},'127.0.0.1');process.stdin.pipe(s).pipe(process.stdout)" %h %p`, ` HostKeyAlias [127.0.0.1]:${PORT}`);
      await works({}, 'root@box');
    });
    it('a command that fails, with its last words', async () => {
      await sshd.configure('ProxyCommand echo no way >&2; exit 4');
      await refused(connect(), 'SSH_PROXY_FAILED', /no way/);
    });
    it('a command that does not exist', async () => {
      await sshd.configure('ProxyCommand /no/such/program');
      await refused(connect(), 'SSH_PROXY_FAILED', /no such file|not found/i);
    });
    it('hops lead there, each with its own configuration', async () => {
      await sshd.configure('Host a b', ' HostName 127.0.0.1', ` Port ${PORT}`, ' User root', 'Host b', ' HostKeyAlias other-name', 'Host target', ` HostName 127.0.0.1`, ` Port ${PORT}`, ' ProxyJump a');
      await works({}, 'root@target');
    });
    it('a hop whose key is not accepted, by name', async () => {
      await sshd.configure('Host a b', ' HostName 127.0.0.1', ` Port ${PORT}`, ' User root', 'Host b', ' HostKeyAlias other-name', 'Host target', ` HostName 127.0.0.1`, ' ProxyJump a,b');
      await refused(connect({}, 'root@target'), 'SSH_JUMP_FAILED', /jump host root@127\.0\.0\.1:28110 does not lead on: .*other-name/s);
    });
    it('a hop that cannot reach the target', async () => {
      await sshd.configure('Host a', ' HostName 127.0.0.1', ` Port ${PORT}`, ' User root', 'Host target', ' HostName 127.0.0.1', ' Port 28199', ' ProxyJump a');
      await refused(connect({}, 'root@target'), 'SSH_JUMP_FAILED', /28199/);
    });
    it('hops in a circle', async () => {
      await sshd.configure('Host a', ' ProxyJump b', 'Host b', ' ProxyJump a');
      await refused(connect({}, 'root@a'), 'SSH_PROXY_LOOP', /a → b → a/);
    });
  });

  describe('the host\'s key', () => {
    const known = (): string => join(sshd.home, '.ssh/known_hosts');

    it('an unknown one is asked about by its fingerprint, remembered, and not asked about again', async () => {
      await writeFile(known(), 'other ssh-ed25519 AAAA'); // without a line end
      const fingerprint = (await run('ssh-keygen', ['-lf', join(sshd.folder, 'host_key.pub')])).stdout.split(' ')[1];
      const me = person({ 'host-key': ['yes'] });
      await works(me);
      assert.deepEqual(me.asked, [{ kind: 'host-key', host: `[127.0.0.1]:${PORT}`, keyType: 'ssh-ed25519', fingerprint }]);
      assert.equal(await readFile(known(), 'utf8'), `other ssh-ed25519 AAAA\n[127.0.0.1]:${PORT} ${sshd.hostKey}\n`);
      await works(); // nobody is there to ask
    });
    it('is remembered in a form that OpenSSH finds, hashed', async () => {
      await writeFile(known(), '');
      await sshd.configure('HashKnownHosts yes');
      await works(person({ 'host-key': ['yes'] }));
      assert.doesNotMatch(await readFile(known(), 'utf8'), /127/);
      assert.match((await run('ssh-keygen', ['-F', `[127.0.0.1]:${PORT}`, '-f', known()])).stdout, /found: line 1/);
    });
    it('declined, and not remembered', async () => {
      await writeFile(known(), '');
      await refused(connect(person({ 'host-key': ['no'] })), 'HOST_KEY_UNKNOWN', /SHA256:.*not accepted/s);
      assert.equal(await readFile(known(), 'utf8'), '');
    });
    it('StrictHostKeyChecking yes asks nobody, accept-new asks nobody and remembers', async () => {
      await writeFile(known(), '');
      const me = person({ 'host-key': ['yes'] });
      await sshd.configure('StrictHostKeyChecking yes');
      await refused(connect(me), 'HOST_KEY_UNKNOWN', /StrictHostKeyChecking is yes/);
      await sshd.configure('StrictHostKeyChecking accept-new');
      await works(me);
      assert.deepEqual(me.asked, []);
      assert.match(await readFile(known(), 'utf8'), /28110/);
    });
    for (const strict of ['ask', 'accept-new', 'no']) {
      it(`a changed one is refused by file and line, whatever is answered (${strict})`, async () => {
        const { stdout } = await run('ssh-keygen', ['-yf', sshd.keyFile]);
        await writeFile(known(), `# one\n[127.0.0.1]:${PORT} ${stdout}`);
        await sshd.configure(`StrictHostKeyChecking ${strict}`);
        const me = person({ 'host-key': ['yes'] });
        await refused(connect(me), 'HOST_KEY_CHANGED', /known_hosts:2.*SHA256/s);
        assert.deepEqual(me.asked, []);
      });
    }
    it('a revoked one is refused', async () => {
      await writeFile(known(), `[127.0.0.1]:${PORT} ${sshd.hostKey}\n@revoked * ${sshd.hostKey}\n`);
      await refused(connect(), 'HOST_KEY_REVOKED', /known_hosts:2/);
    });
  });

  describe('logging in', () => {
    const newKey = async (name: string, ...args: readonly string[]): Promise<string> => {
      const file = join(sshd.folder, name);
      await run('ssh-keygen', ['-q', '-f', file, '-C', name, ...args]);
      return file;
    };
    const authorize = async (file: string): Promise<void> => writeFile(join(sshd.folder, 'authorized_keys'), await readFile(`${file}.pub`, 'utf8'), { flag: 'a' });

    it('a wrong key: what was tried, what the server allows', async () => {
      const key = await newKey('wrong', '-t', 'ed25519', '-N', '');
      await sshd.configure(`IdentityFile ${key}`, 'IdentitiesOnly yes');
      await refused(connect(), 'SSH_AUTH_FAILED', new RegExp(`Tried: key ${key}\\. The server allows: publickey\\.`));
    });
    it('no key at all', async () => {
      await sshd.configure('IdentityFile none');
      await refused(connect(), 'SSH_AUTH_FAILED', /Tried: nothing.*No key was found/);
    });
    it('a key that others may read is not used', async () => {
      const key = await newKey('exposed', '-t', 'ed25519', '-N', '');
      await chmod(key, 0o644);
      await sshd.configure(`IdentityFile ${key}`);
      await refused(connect(), 'SSH_AUTH_FAILED', /not .*exposed \(others may read it: chmod 600\)/);
    });
    for (const [type, ...args] of [['ed25519'], ['rsa', '-b', '2048'], ['ecdsa'], ['rsa', '-b', '2048', '-m', 'PEM'], ['ecdsa', '-m', 'PKCS8']]) {
      it(`an encrypted ${[type, ...args].join(' ')} key, whose passphrase is asked for until it is right`, async () => {
        const key = await newKey(`locked-${[type, ...args].join('')}`, '-t', type ?? '', ...args, '-N', 'secret words');
        await authorize(key);
        await sshd.configure(`IdentityFile ${key}`);
        const words = ['wrong', 'secret words'];
        const me = person({ passphrase: () => [words.shift() ?? ''] });
        await works(me);
        assert.deepEqual(me.asked, [0, 1].map(() => ({ kind: 'passphrase', keyFile: key })));
      });
    }
    it('the passphrase of a key that the server does not want is not asked for', async () => {
      const key = await newKey('locked-unwanted', '-t', 'ed25519', '-N', 'secret');
      await sshd.configure(`IdentityFile ${key}`);
      const me = person({ passphrase: ['secret'] });
      await refused(connect(me), 'SSH_AUTH_FAILED', /locked-unwanted/);
      assert.deepEqual(me.asked, []);
    });
    it('an agent\'s keys; with IdentitiesOnly only the named one, so that many are no harm', async () => {
      const socket = join(sshd.folder, 'agent.sock');
      const agent = start('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        if (agent.stdout) await once(agent.stdout, 'data');
        const keys = await Promise.all(Array.from({ length: 8 }, (_, index) => newKey(`many${index}`, '-t', index % 2 ? 'ed25519' : 'rsa', '-N', '')));
        const last = keys.at(-1) ?? '';
        await authorize(last);
        await run('ssh-add', ['-q', ...keys], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
        const named = join(sshd.folder, 'named.pub');
        await writeFile(named, await readFile(`${last}.pub`));
        await sshd.configure(`IdentityAgent ${socket}`, `IdentityFile ${named}`, 'IdentitiesOnly yes');
        await works();
        await sshd.configure(`IdentityAgent ${socket}`, 'IdentityFile none');
        await refused(connect(), 'SSH_AUTH_FAILED', /IdentitiesOnly yes/);
        await sshd.configure(`IdentityAgent ${socket}`, `IdentityFile ${named}`);
        await works();
      } finally {
        agent.kill();
      }
    });
  });
});

describe('a host that does not do as it is asked', () => {
  it('a forced command is noticed', async () => {
    await using sshd = await Sshd.start({ port: PORT + 2, config: ['ForceCommand echo only this'] });
    const connection = await connectToHost(`root@127.0.0.1:${PORT + 2}`, { ...sshd.client, transport: 'ssh2', ask: person().ask });
    await assert.rejects(assertRunsCommands(connection), /SSH_FORCED_COMMAND|It said: only this/);
    await connection.close();
  });
});
