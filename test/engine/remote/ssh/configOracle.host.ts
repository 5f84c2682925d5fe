import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../../engine/host/process.ts';
import { thisMachine } from '../../../../engine/remote/ssh/environment.ts';
import { resolveHostConfig } from '../../../../engine/remote/ssh/hostConfig.ts';
import type { HostConfig } from '../../../../engine/remote/ssh/hostConfig.ts';
import { describeTarget, parseHostUrl } from '../../../../engine/remote/ssh/target.ts';

/** Configurations that OpenSSH's own client reads too; DIR is a folder with the included files. */
const corpus: readonly string[] = [
  '',
  'Host a\n HostName a.example.org\n User ua\n Port 2201\nHost b*\n User ub\nHost *\n Port 2299\n User rest',
  'Host * !a\n User not-a\nHost a\n IdentityFile ~/.ssh/one\n IdentityFile ~/.ssh/two\nHost *\n IdentityFile /keys/%h-%r-%p',
  'Host="a" b\n\tUser = "quoted"  # comment\n  Port=2222\n\nMatch originalhost b\n HostName real-b\nMatch host real-b\n ConnectTimeout 7',
  'Match user root\n Port 1\nMatch !user root\n Port 2\nMatch exec "test %h = a"\n User exec-a\nMatch host b exec "false"\n User never',
  'Host a\n HostName REAL.example\nMatch final host real.example\n Port 4\nHost real.example\n User late\nMatch canonical all\n ConnectTimeout 9',
  'Include DIR/conf.d/*.conf\nHost *\n User after',
  'Host b\n Include DIR/only-b\nHost *\n Port 77',
  'ProxyJump one,two@two.example:2222\nProxyCommand nc %h %p',
  'Host a\n ProxyCommand ssh -W "[%h]:%p" gate # not a comment 50%%\nHost *\n ProxyJump gate',
  'Host a\n ProxyJump none\nHost *\n ProxyJump gate',
  'UserKnownHostsFile ~/k1 "/k 2"\nGlobalKnownHostsFile /g1 /g2\nHashKnownHosts yes\nStrictHostKeyChecking accept-new\nHostKeyAlias alias-%%',
  'ServerAliveInterval 2m\nServerAliveCountMax 5\nConnectTimeout 1h5s\nIdentitiesOnly yes\nIdentityAgent none',
  'IdentityAgent ~/agents/%r.sock\nHost [x]\n User brackets\nHost ?\n User one-letter\nHost *.*\n User dotted',
  'Host !a\n User only-negated\nHost b !b\n User contradicting\nHost "a"\n User quoted-pattern',
  'Match all\n User from-all\nMatch localuser nobody-like-this\n Port 3\nMatch host *.example.org,a user from-all\n Port 5',
];
const targets = ['a', 'b', 'u@a', 'ssh://root@b:2323', 'x.example.org', '::1'];

/** What `ssh -G` prints, in its form, from our resolution. */
function ours(config: HostConfig): Record<string, readonly string[]> {
  const one = (value: string | number | boolean | undefined): string[] => (value === undefined ? [] : [value === true ? 'yes' : value === false ? 'no' : String(value)]);
  return {
    hostname: [config.hostName],
    port: one(config.port),
    user: [config.user],
    connecttimeout: [config.connectTimeoutSeconds === undefined ? 'none' : String(config.connectTimeoutSeconds)],
    serveraliveinterval: one(config.serverAliveIntervalSeconds),
    serveralivecountmax: one(config.serverAliveCountMax),
    identitiesonly: one(config.identitiesOnly),
    hashknownhosts: one(config.hashKnownHosts),
    proxyjump: config.proxyJump.length === 0 ? [] : [config.proxyJump.map(describeTarget).join(',')],
    stricthostkeychecking: [{ yes: 'true', no: 'false', ask: 'ask', 'accept-new': 'accept-new' }[config.strictHostKeyChecking]],
    hostkeyalias: one(config.hostKeyAlias),
  };
}

function theirs(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const line of text.split('\n')) {
    const [key = '', ...rest] = line.split(' ');
    (found[key] ??= []).push(rest.join(' '));
  }
  return found;
}

describe('ssh_config as OpenSSH\'s own client reads it', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-sshcfg-'));
    await mkdir(join(folder, 'conf.d'));
    await writeFile(join(folder, 'conf.d/1.conf'), 'Host a\n User included\n');
    await writeFile(join(folder, 'conf.d/2.conf'), 'Port 2020\nInclude DIR/none-*\n'.replaceAll('DIR', folder));
    await writeFile(join(folder, 'only-b'), 'User for-b\nHost a\n Port 66\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  corpus.forEach((text, index) => {
    it(`agrees on configuration ${index}`, async () => {
      const file = join(folder, `config${index}`);
      await writeFile(file, text.replaceAll('DIR', folder), { mode: 0o600 });
      for (const target of targets) {
        const { stdout } = await run('ssh', ['-G', '-F', file, target], { env: { ...process.env, SHELL: '/bin/sh' } });
        const config = await resolveHostConfig(parseHostUrl(target), thisMachine({ env: { ...process.env, SHELL: '/bin/sh' } }), file);
        const expected = theirs(stdout);
        for (const [key, value] of Object.entries(ours(config))) assert.deepEqual(value, expected[key] ?? [], `${key} of ${target}`);
        const paths = (values: readonly string[] | undefined): string[] => (values ?? []).map((path) => path.replace(/^~/, homedir()));
        const keys = paths(expected.identityfile).filter((path) => !/id_(dsa|xmss)$/.test(path));
        if (config.identityFilesNamed) assert.equal(config.identityFiles.length, keys.length, `identityfile of ${target}`);
        else assert.deepEqual(config.identityFiles, keys, `identityfile of ${target}`);
      }
    });
  });
});
