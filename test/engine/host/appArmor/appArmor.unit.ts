import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../../engine/base/log.ts';
import { AppArmor } from '../../../../engine/host/appArmor/appArmor.ts';
import { parseProfiles } from '../../../../engine/host/appArmor/state.ts';
import type { AppArmorHost } from '../../../../engine/host/appArmor/state.ts';

const DEBIAN = 'lsb_release (enforce)\nnvidia_modprobe (enforce)\nnvidia_modprobe//kmod (enforce)\n';
const PROFILES = '/sys/kernel/security/apparmor/profiles';

/** A host as its files are; what is loaded is added to its profiles. */
class Host implements AppArmorHost {
  readonly files: Record<string, string>;
  readonly loads: string[] = [];
  readonly parser: string | undefined;
  failure: Error | undefined;

  constructor(files: Record<string, string>, parser: string | undefined = '/usr/sbin/apparmor_parser') {
    this.files = files;
    this.parser = parser;
  }

  read(path: string): Promise<string | undefined> {
    return Promise.resolve(this.files[path]);
  }

  exists(path: string): boolean {
    return Object.keys(this.files).some((file) => file === path || file.startsWith(`${path}/`));
  }

  which(program: string): string | undefined {
    return program === 'apparmor_parser' ? this.parser : undefined;
  }

  load = async (parser: string, text: string): Promise<void> => {
    assert.equal(parser, this.parser);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw this.failure;
    this.loads.push(text);
    if (!this.files[PROFILES]?.includes('berth-default')) this.files[PROFILES] += 'berth-default (enforce)\n';
  };
}

describe('AppArmor', () => {
  let runRoot: string;
  const debian = (more: Record<string, string> = {}, parser?: string): Host => new Host({ '/sys/module/apparmor/parameters/enabled': 'Y\n', [PROFILES]: DEBIAN, '/proc/self/attr/current': 'unconfined\n', ...more }, parser);
  const open = (host: Host, rootless = false): Promise<AppArmor> => AppArmor.open({ runRoot, rootless, log: silentLog, host, load: host.load });
  const plain = { privileged: false };

  beforeEach(async () => {
    runRoot = await mkdtemp(join(tmpdir(), 'berth-apparmor-'));
  });
  afterEach(() => rm(runRoot, { recursive: true, force: true }));

  it('loads its profile once, for all containers and all engines of a kernel’s life', async () => {
    const host = debian();
    const appArmor = await open(host);
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => appArmor.profileFor(plain))), ['berth-default', 'berth-default', 'berth-default']);
    const next = await open(host);
    assert.equal(await next.profileFor(plain), 'berth-default');
    assert.equal(host.loads.length, 1);
  });

  it('loads it again where it is another version’s, or has been taken away', async () => {
    const host = debian({ [PROFILES]: `${DEBIAN}berth-default (enforce)\n` });
    const appArmor = await open(host);
    assert.equal(await appArmor.profileFor(plain), 'berth-default');
    assert.equal(host.loads.length, 1, 'nothing says which version’s it is');
    assert.match(await readFile(join(runRoot, 'apparmor'), 'utf8'), /^[0-9a-f]{64}$/);
    host.files[PROFILES] = DEBIAN;
    assert.deepEqual(await Promise.all([appArmor.profileFor(plain), appArmor.profileFor(plain)]), ['berth-default', 'berth-default']);
    assert.equal(host.loads.length, 2);
  });

  it('gives privileged containers none, and whoever names one that one, if the kernel has it', async () => {
    const appArmor = await open(debian());
    assert.equal(await appArmor.profileFor({ privileged: true }), 'unconfined');
    assert.equal(await appArmor.profileFor({ asked: 'unconfined', privileged: false }), 'unconfined');
    assert.equal(await appArmor.profileFor({ asked: 'nvidia_modprobe//kmod', privileged: true }), 'nvidia_modprobe//kmod');
    await assert.rejects(appArmor.profileFor({ asked: 'mine', privileged: false }), { code: 'APPARMOR_PROFILE_MISSING', status: 400, message: /no AppArmor profile mine .*apparmor_parser -r/ });
  });

  it('starts no container that it should have confined and could not, and tries again with the next', async () => {
    const host = debian();
    host.failure = new Error('syntax');
    const appArmor = await open(host);
    await assert.rejects(appArmor.profileFor(plain), /syntax/);
    assert.equal(await appArmor.profileFor({ asked: 'unconfined', privileged: false }), 'unconfined');
    host.failure = undefined;
    assert.equal(await appArmor.profileFor(plain), 'berth-default');
  });

  it('leaves containers alone where the kernel has none, shows none (in a container), or has no program to load profiles', async () => {
    for (const host of [new Host({}), new Host({ '/sys/module/apparmor/parameters/enabled': 'N\n', [PROFILES]: '' }), new Host({ '/sys/module/apparmor/parameters/enabled': 'Y\n' })]) {
      const appArmor = await open(host);
      assert.deepEqual([appArmor.enabled, appArmor.confines, await appArmor.profileFor(plain), await appArmor.profileFor({ asked: 'mine', privileged: true })], [false, false, undefined, undefined]);
    }
    const bare = new Host(debian().files);
    Object.assign(bare, { parser: undefined });
    const appArmor = await open(bare);
    assert.deepEqual([appArmor.enabled, appArmor.confines, await appArmor.profileFor(plain)], [true, false, undefined]);
    assert.equal(await appArmor.profileFor({ asked: 'lsb_release', privileged: false }), 'lsb_release');
  });

  it('asks nothing of a host where the engine has no root', async () => {
    const host = debian();
    const appArmor = await open(host, true);
    assert.deepEqual([appArmor.enabled, await appArmor.profileFor(plain), host.loads], [false, undefined, []]);
  });

  it('reads the kernel’s list, whatever a profile is called', () => {
    assert.deepEqual([...parseProfiles('/usr/bin/man (enforce)\nmy profile (complain)\nlibreoffice//gpg (unconfined)\n\n')], ['/usr/bin/man', 'my profile', 'libreoffice//gpg']);
  });
});
