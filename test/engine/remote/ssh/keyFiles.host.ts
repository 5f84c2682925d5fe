import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { run } from '../../../../engine/host/process.ts';
import { readKeyFile, unlockKeyFile } from '../../../../engine/remote/ssh/keyFiles.ts';

const { parseKey } = ssh2.utils;

describe('key files of ssh-keygen', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-sshkeys-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  const kindOf = async (file: string): Promise<string> => (await readKeyFile(file, parseKey)).map((key) => (key.kind === 'unusable' ? `${key.kind}: ${key.why}` : key.kind)).join(', ');
  let count = 0;
  const make = async (type: string, passphrase: string, ...args: readonly string[]): Promise<string> => {
    const file = join(folder, `key${count++}`);
    await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file, ...args]);
    return file;
  };

  const forms: ReadonlyArray<readonly [type: string, form: string, locked: string]> = [
    ['ed25519', 'RFC4716', 'locked'],
    ['rsa', 'RFC4716', 'locked'],
    ['rsa', 'PEM', 'sealed'],
    ['ecdsa', 'PEM', 'sealed'],
    ['rsa', 'PKCS8', 'sealed'],
    ['ecdsa', 'PKCS8', 'sealed'],
  ];
  for (const [type, form, locked] of forms) {
    const args = [...(type === 'rsa' ? ['-b', '2048'] : []), ...(form === 'RFC4716' ? [] : ['-m', form])];
    it(`${type} as ${form}: open; encrypted with and without its public half beside it; by the right passphrase only`, async () => {
      assert.equal(await kindOf(await make(type, '', ...args)), 'ready');
      const file = await make(type, 'secret', ...args);
      assert.equal(await kindOf(file), 'locked');
      await rm(`${file}.pub`);
      assert.equal(await kindOf(file), locked);
      assert.equal(await unlockKeyFile(file, 'wrong', parseKey), undefined);
      assert.equal((await unlockKeyFile(file, 'secret', parseKey))?.isPrivateKey(), true);
    });
  }

  it('only the public half, by either name', async () => {
    const file = await make('ed25519', '');
    assert.equal(await kindOf(`${file}.pub`), 'public');
    await rm(file);
    assert.equal(await kindOf(file), 'public');
    assert.equal(await kindOf(join(folder, 'nothing')), '');
  });

  it('a certificate beside a key, a security key, a key that others may read, rubbish', async () => {
    const file = await make('ed25519', '');
    await run('ssh-keygen', ['-q', '-s', await make('ed25519', ''), '-I', 'id', '-n', 'me', `${file}.pub`]);
    assert.equal(await kindOf(file), 'ready, unusable: it is a certificate');
    await writeFile(join(folder, 'sk'), '-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n', { mode: 0o600 });
    await writeFile(join(folder, 'sk.pub'), 'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t me\n');
    assert.equal(await kindOf(join(folder, 'sk')), 'unusable: it is on a security key');
    const exposed = await make('ed25519', '');
    await chmod(exposed, 0o644);
    assert.equal(await kindOf(exposed), 'unusable: others may read it: chmod 600');
    await writeFile(join(folder, 'rubbish'), 'rubbish', { mode: 0o600 });
    assert.equal(await kindOf(join(folder, 'rubbish')), 'unusable: it is no key that can be read here');
  });
});
