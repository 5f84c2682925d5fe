import assert from 'node:assert/strict';
import { sshConfigInvalid } from '../../../../engine/remote/ssh/configLines.ts';
import { resolveHostConfig } from '../../../../engine/remote/ssh/hostConfig.ts';
import type { HostConfig } from '../../../../engine/remote/ssh/hostConfig.ts';
import type { SshEnvironment } from '../../../../engine/remote/ssh/environment.ts';
import { parseHostUrl } from '../../../../engine/remote/ssh/target.ts';
import { memoryEnvironment } from '../../../support/sshEnvironment.ts';

const USER = '/home/me/.ssh/config';
const SYSTEM = '/etc/ssh/ssh_config';

const resolve = (target: string, config: string, more: Record<string, string> = {}, overrides: Partial<SshEnvironment> = {}): Promise<HostConfig> =>
  resolveHostConfig(parseHostUrl(target), memoryEnvironment({ [USER]: config, ...more }, overrides));

describe('the configuration of a host from ssh_config', () => {
  const cases: ReadonlyArray<readonly [name: string, target: string, config: string, expected: Partial<HostConfig>]> = [
    ['nothing said', 'h', '', { hostName: 'h', port: 22, user: 'me', identityFilesNamed: false, strictHostKeyChecking: 'ask', proxyJump: [], serverAliveIntervalSeconds: 0 }],
    ['the first value wins', 'h', 'Host h\n Port 1\nHost *\n Port 2\n User other', { port: 1, user: 'other' }],
    ['the address wins over the file', 'u@h:5', 'Host h\n Port 1\n User x', { port: 5, user: 'u' }],
    ['wildcards and negation', 'db1.prod', 'Host *.prod !db2.*\n User prod\nHost db?.prod\n Port 3', { user: 'prod', port: 3 }],
    ['a negated pattern decides', 'db2.prod', 'Host *.prod !db2.*\n User prod', { user: 'me' }],
    ['a negated pattern alone never matches', 'x', 'Host !y\n User z', { user: 'me' }],
    ['= as separator, quotes, comments', 'h', 'Host="h"\n\tUser = "a b" # comment\n  Port=7', { user: 'a b', port: 7 }],
    ['HostName with %h', 'web', 'Host web\n HostName %h.example.org', { hostName: 'web.example.org', original: 'web' }],
    ['several IdentityFiles, each once', 'h', 'IdentityFile ~/.ssh/a\nHost h\n IdentityFile %d/b_%r_%h\n IdentityFile ~/.ssh/a', { identityFiles: ['/home/me/.ssh/a', '/home/me/b_me_h'], identityFilesNamed: true }],
    ['IdentityFile none', 'h', 'IdentityFile none', { identityFiles: [], identityFilesNamed: true }],
    ['ProxyJump with several hops', 'h', 'ProxyJump a,u@b:23,ssh://c:24', { proxyJump: [{ host: 'a' }, { host: 'b', user: 'u', port: 23 }, { host: 'c', port: 24 }] }],
    ['ProxyJump before ProxyCommand wins', 'h', 'ProxyJump a\nProxyCommand nc %h %p', { proxyJump: [{ host: 'a' }], proxyCommand: undefined }],
    ['ProxyCommand before ProxyJump wins, a # in it stays', 'h', 'ProxyCommand nc "%h" %p %r %n #1 100%%\nProxyJump a', { proxyJump: [], proxyCommand: 'nc "h" 22 me h #1 100%' }],
    ['ProxyJump none keeps a later one out', 'h', 'Host h\n ProxyJump none\nHost *\n ProxyJump a', { proxyJump: [] }],
    ['times', 'h', 'ConnectTimeout 1m30s\nServerAliveInterval 15\nServerAliveCountMax 2', { connectTimeoutSeconds: 90, serverAliveIntervalSeconds: 15, serverAliveCountMax: 2 }],
    ['known_hosts files', 'h', 'UserKnownHostsFile ~/a "/b c"\nGlobalKnownHostsFile none\nHashKnownHosts yes\nHostKeyAlias k\nStrictHostKeyChecking accept-new', { userKnownHostsFiles: ['/home/me/a', '/b c'], globalKnownHostsFiles: [], hashKnownHosts: true, hostKeyAlias: 'k', strictHostKeyChecking: 'accept-new' }],
    ['authentication methods', 'h', 'PreferredAuthentications password,publickey\nPubkeyAuthentication no', { preferredAuthentications: ['password'] }],
    ['Match by host sees HostName', 'h', 'Host h\n HostName real\nMatch host real\n User m', { user: 'm' }],
    ['Match by originalhost', 'h', 'HostName real\nMatch originalhost h\n User m', { user: 'm' }],
    ['Match by user sees what was set before', 'h', 'User a\nMatch user a,b localuser me\n Port 9', { port: 9 }],
    ['Match negated', 'h', 'Match !host h\n Port 9\nMatch !user root\n Port 8', { port: 8 }],
    ['Match exec', 'h', 'Match exec "false %h"\n Port 1\nMatch exec "true %h"\n Port 2', { port: 2 }],
    ['Match all', 'h', 'Host other\n Port 1\nMatch all\n Port 2', { port: 2 }],
    ['Match final sees the name after HostName', 'h', 'Host h\n HostName Real\nMatch final host real\n Port 4\nHost real\n User late', { port: 4, user: 'late' }],
    ['without Match final there is one pass', 'h', 'Host h\n HostName real\nHost real\n User late', { user: 'me' }],
    ['what needs the system\'s ssh', 'h', 'CertificateFile ~/c\nPKCS11Provider /p.so\nGSSAPIAuthentication yes', { needsSystemSsh: ['CertificateFile', 'PKCS11Provider', 'GSSAPIAuthentication'] }],
    ['an unknown option is none of our business', 'h', 'UseKeychain yes\nPort 3', { port: 3 }],
    ['Windows line ends', 'h', 'Host h\r\n  Port 3\r\n', { port: 3 }],
  ];
  for (const [name, target, config, expected] of cases) {
    it(name, async () => {
      const found: Readonly<Record<string, unknown>> = { ...(await resolve(target, config)) };
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(found[key], value, key);
    });
  }

  it('reads the user\'s file before the system\'s, whose GSSAPI for everybody asks for nothing', async () => {
    const config = await resolve('h', 'Port 1', { [SYSTEM]: 'Port 2\nUser sys\nGSSAPIAuthentication yes' });
    assert.deepEqual([config.port, config.user, config.needsSystemSsh], [1, 'sys', []]);
  });

  it('includes files: relative to ~/.ssh, by pattern, inside a Host block only where it applies', async () => {
    const more = { '/home/me/.ssh/conf.d/10': 'Host *\n User ten', '/home/me/.ssh/conf.d/20': 'User twenty\nPort 20', '/home/me/x': 'Host h\n Port 99' };
    const config = await resolve('h', 'Host other\n Include ~/x\nHost h\n Include conf.d/*\n ConnectTimeout 5', more);
    assert.deepEqual([config.port, config.user, config.connectTimeoutSeconds], [20, 'ten', 5]);
  });

  it('stops at files that include themselves, naming file and line', async () => {
    await assert.rejects(resolve('h', 'Include config'), (error: unknown) => sshConfigInvalid.is(error) && error.message.startsWith(`${USER}:1: Include is nested more than 16 deep`));
  });

  it('does not run the command of a Match whose earlier criteria do not hold', async () => {
    const environment = memoryEnvironment({ [USER]: 'Match host other exec "true"\n Port 1\nHost nope\n Match exec "true later"\n Port 1' });
    await resolveHostConfig(parseHostUrl('h'), environment);
    assert.deepEqual(environment.ran, ['true later']);
  });

  const agents: ReadonlyArray<readonly [string, string, NodeJS.ProcessEnv, NodeJS.Platform, string | undefined]> = [
    ['the environment\'s agent by default', '', { SSH_AUTH_SOCK: '/agent' }, 'linux', '/agent'],
    ['no agent', '', {}, 'linux', undefined],
    ['IdentityAgent none', 'IdentityAgent none', { SSH_AUTH_SOCK: '/agent' }, 'linux', undefined],
    ['a socket of an own path', 'IdentityAgent "~/Library/Group Containers/1p/agent.sock"', { SSH_AUTH_SOCK: '/agent' }, 'darwin', '/home/me/Library/Group Containers/1p/agent.sock'],
    ['a variable', 'IdentityAgent $MY_AGENT', { MY_AGENT: '/mine' }, 'linux', '/mine'],
    ['a variable in a path', 'IdentityAgent ${RUN}/a', { RUN: '/run/me' }, 'linux', '/run/me/a'],
    ['SSH_AUTH_SOCK by name', 'IdentityAgent SSH_AUTH_SOCK', { SSH_AUTH_SOCK: '/agent' }, 'linux', '/agent'],
    ['Windows\' own pipe', '', {}, 'win32', String.raw`\\.\pipe\openssh-ssh-agent`],
  ];
  for (const [name, config, env, platform, expected] of agents) {
    it(`agent: ${name}`, async () => assert.equal((await resolve('h', config, { [String.raw`\home\me\.ssh\config`]: config }, { env, platform })).identityAgent, expected));
  }

  it('has the places of Windows on Windows', async () => {
    const files = { [String.raw`C:\Users\me\.ssh\config`]: 'Host h\n User win\n IdentityFile ~\\.ssh\\key\n Include more', [String.raw`C:\Users\me\.ssh\more`]: 'Port 4', [String.raw`C:\PD\ssh\ssh_config`]: 'ConnectTimeout 3' };
    const environment = memoryEnvironment(files, { platform: 'win32', home: String.raw`C:\Users\me`, env: { ProgramData: String.raw`C:\PD` } });
    const config = await resolveHostConfig({ host: 'h' }, environment);
    assert.deepEqual([config.user, config.port, config.connectTimeoutSeconds, config.identityFiles], ['win', 4, 3, [String.raw`C:\Users\me\.ssh\key`]]);
    assert.equal(config.userKnownHostsFiles[0], String.raw`C:\Users\me\.ssh\known_hosts`);
  });

  const wrong: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['an open quote', 'Port 1\nUser "a', /config:2: a quote is left open/],
    ['a port that is none', 'Port ssh', /config:1: "ssh" is not a number from 1 to 65535/],
    ['an unknown token', 'IdentityFile %Z', /config:1: the token %Z is not known here/],
    ['a variable that is not set', 'IdentityFile ${NOPE}/x', /config:1: the variable NOPE is not set/],
    ['an unknown criterion', 'Match planet mars\n Port 1', /config:1: Match does not know the criterion "planet"/],
    ['a time that is none', 'ConnectTimeout soon', /config:1: "soon" is not a time/],
    ['a hop that is none', 'ProxyJump a,-x', /config:1: ProxyJump: "-x"/],
    ['a keyword without a value', 'Port', /config:1: port needs a value/],
  ];
  for (const [name, config, message] of wrong) {
    it(`refuses ${name}`, () => assert.rejects(resolve('h', config), (error: unknown) => sshConfigInvalid.is(error) && message.test(error.message)));
  }
});
