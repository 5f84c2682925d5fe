import assert from 'node:assert/strict';
import { parseFacts } from '../../../../engine/remote/install/hostFacts.ts';
import type { HostFacts } from '../../../../engine/remote/install/hostFacts.ts';
import { architectureOf, assertCanInstall, assertCanRun, warningsAbout } from '../../../../engine/remote/install/hostChecks.ts';
import type { EngineManifest } from '../../../../engine/remote/install/archive.ts';

const digest = 'a'.repeat(64);
const now = 1_795_650_000;
const manifest: EngineManifest = { format: 1, version: '0.1.0', architecture: 'x64', loader: 'ld-linux-x86-64.so.2', digest, size: 60e6, unpackedSize: 150e6, unpacker: { digest, size: 2e6 }, versions: {} };

/** What a user's host in good order prints, with some lines in place of others. */
function printed(changes: Readonly<Record<string, string | readonly string[]>> = {}): string {
  const usual: Record<string, string | readonly string[]> = {
    ...{ system: 'Linux', machine: 'x86_64', kernel: '6.1.0-18-amd64', uid: '1000', user: 'dev', home: '/home/dev', dir: '/home/dev/.berth', clock: String(now + 1), writable: 'yes', near: '/home/dev' },
    df: '/dev/sda1 264212084 29573440 76817472 28% /',
    mount: ['ext4 rw,relatime /', 'ext4 rw,nosuid /home'],
    sysctl: ['user/max_user_namespaces 96365', 'kernel/unprivileged_userns_clone 1'],
    ...{ userns: 'yes', subuid: '65536', subgid: '65536', tool: ['tar', 'gzip', 'sha256sum', 'newuidmap'], tun: 'yes', cgroups: 'v2', installed: [digest, 'half'], current: digest, end: 'yes' },
    ...changes,
  };
  return Object.entries(usual).flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).map((one) => `${name} ${one}\n`)).join('');
}

function facts(changes: Readonly<Record<string, string | readonly string[]>> = {}): HostFacts {
  const found = parseFacts(printed(changes), now);
  assert.ok(found);
  return found;
}

const refuse = (changes: Readonly<Record<string, string | readonly string[]>>, code: string, chosen = false): void => {
  const check = (): void => {
    const found = facts(changes);
    architectureOf('h', found);
    assertCanRun('h', found);
    assertCanInstall('h', found, manifest, chosen);
  };
  assert.throws(check, { code });
};

describe('what a host says about itself', () => {
  it('is read past what a login script prints', () => {
    const found = parseFacts(`Welcome to the cluster!\nlast login: yesterday\n${printed()}`, now);
    assert.deepEqual(found, facts());
    assert.equal(found.free, 76817472 * 1024);
    assert.deepEqual(found.fileSystem, { type: 'ext4', noexec: false, mountPoint: '/home' });
    assert.deepEqual([found.installed, found.current, found.canUnpack, found.clockAhead, found.cgroups, found.noUserNamespaces], [[digest], digest, true, 1, 'v2', undefined]);
  });

  it('is nothing when the command did not get to its end', () => {
    assert.equal(parseFacts('This service allows sftp connections only.\n', now), undefined);
    assert.equal(parseFacts(printed({ end: [] }), now), undefined);
  });

  it('has a device with spaces in its name, and no df at all', () => {
    assert.equal(facts({ df: '//server/My Files 1000 500 400 56% /home' }).free, 400 * 1024);
    assert.equal(facts({ df: '' }).free, undefined);
  });

  it('in good order passes, without a warning', () => {
    assert.equal(architectureOf('h', facts()), 'x64');
    assert.equal(architectureOf('h', facts({ machine: 'aarch64' })), 'arm64');
    assertCanRun('h', facts({ kernel: '5.11.0' }));
    assertCanInstall('h', facts(), manifest, false);
    assert.deepEqual(warningsAbout('h', facts()), []);
  });

  it('keeps it from being used, each reason by its code', () => {
    refuse({ system: 'Darwin' }, 'REMOTE_NOT_LINUX');
    refuse({ machine: 'riscv64' }, 'REMOTE_ARCHITECTURE_UNSUPPORTED');
    refuse({ kernel: '5.10.0-28-amd64' }, 'REMOTE_KERNEL_TOO_OLD');
    refuse({ kernel: '4.19.0' }, 'REMOTE_KERNEL_TOO_OLD');
    refuse({ sysctl: 'user/max_user_namespaces 0' }, 'REMOTE_NO_USER_NAMESPACES');
    refuse({ sysctl: 'kernel/unprivileged_userns_clone 0' }, 'REMOTE_NO_USER_NAMESPACES');
    refuse({ userns: [] }, 'REMOTE_NO_USER_NAMESPACES');
    refuse({ writable: [] }, 'REMOTE_FOLDER_NOT_WRITABLE');
    refuse({ mount: ['ext4 rw /', 'ext4 rw,noexec /home'] }, 'REMOTE_NOEXEC');
    refuse({ df: '/dev/sda1 1000000 900000 100000 90% /' }, 'REMOTE_DISK_FULL');
  });

  it('tells a home that hosts share, unless the folder was chosen', () => {
    for (const type of ['nfs4', 'cifs', 'fuse.sshfs', 'lustre']) refuse({ mount: ['ext4 rw /', `${type} rw /home`] }, 'REMOTE_SHARED_HOME');
    const shared = facts({ mount: 'nfs rw /home' });
    assertCanInstall('h', shared, manifest, true);
    assert.deepEqual(warningsAbout('h', shared).map(({ code }) => code), ['REMOTE_SHARED_HOME']);
  });

  it('asks nothing of root that only users need', () => {
    const root = facts({ uid: '0', sysctl: 'user/max_user_namespaces 0', subuid: [], tool: ['tar'] });
    assertCanRun('h', root);
    assert.deepEqual([warningsAbout('h', root), root.canUnpack], [[], false]);
  });

  it('warns of a wrong clock either way, of no further ids, of little disk', () => {
    const codes = (changes: Readonly<Record<string, string | readonly string[]>>): string[] => warningsAbout('h', facts(changes)).map(({ code }) => code);
    assert.deepEqual(codes({ clock: String(now - 3600) }), ['REMOTE_CLOCK_WRONG']);
    assert.match(warningsAbout('h', facts({ clock: String(now + 86_400) }))[0]?.message ?? '', /86400 s ahead of/);
    assert.deepEqual(codes({ tool: ['tar', 'gzip', 'sha256sum'] }), ['REMOTE_NO_SUBIDS']);
    assert.deepEqual(codes({ subgid: '1000' }), ['REMOTE_NO_SUBIDS']);
    assert.deepEqual(codes({ sysctl: 'kernel/apparmor_restrict_unprivileged_userns 1' }), ['REMOTE_NAMESPACES_BY_PROFILE']);
    assert.deepEqual(codes({ uid: '0', sysctl: 'kernel/apparmor_restrict_unprivileged_userns 1' }), []);
    assert.deepEqual(codes({ df: '/dev/sda1 1000000 900000 500000 90% /' }), ['REMOTE_LITTLE_DISK']);
  });
});
