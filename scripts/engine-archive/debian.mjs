// Debian packages of any architecture, unpacked into a folder. Uses an apt configuration of its own: the machine's packages, and
// the architectures its dpkg knows, stay as they are. Needs no root.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const suites = ['debian bookworm', 'debian bookworm-updates', 'debian-security bookworm-security'];
export const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Of all that apt would install, what can hold a shared library that we need, or the licence of one. */
const libraries = /^(lib|zlib1g$|gcc-\d+-base$)(?!.*(perl|pam|semanage|gdbm|-common$|-bin$))/;

export function runProgram(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options });
  if (result.error) throw new Error(`${program} could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ').slice(0, 200)} failed with status ${result.status}: ${(result.stderr || result.stdout).trim().slice(-1500)}`);
  return result.stdout;
}

/** Packages of one architecture; downloads are kept in `folder`. */
export class DebianPackages {
  #folder;
  #env;

  constructor(folder, architecture) {
    if (!existsSync(keyring)) throw new Error(`${keyring} is missing, which the packages are checked by. Install it (Debian and Ubuntu: apt-get install debian-archive-keyring).`);
    this.#folder = folder;
    const apt = join(folder, 'apt');
    for (const path of ['state/lists/partial', 'cache/archives/partial', '../debs']) mkdirSync(join(apt, path), { recursive: true });
    writeFileSync(join(apt, 'status'), '');
    const mirror = process.env.BERTH_DEBIAN_MIRROR ?? 'http://deb.debian.org';
    writeFileSync(join(apt, 'sources.list'), suites.map((suite) => `deb [signed-by=${keyring}] ${mirror}/${suite} main\n`).join(''));
    writeFileSync(join(apt, 'apt.conf'), `APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
Dir::State "${join(apt, 'state')}";
Dir::State::status "${join(apt, 'status')}";
Dir::Cache "${join(apt, 'cache')}";
Dir::Etc::sourcelist "${join(apt, 'sources.list')}";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
${process.getuid?.() === 0 ? 'APT::Sandbox::User "root";\n' : ''}`);
    this.#env = { ...process.env, APT_CONFIG: join(apt, 'apt.conf'), LC_ALL: 'C' };
  }

  update() {
    runProgram('apt-get', ['update', '-qq', '--error-on=any'], { env: this.#env });
  }

  /** The versions of these packages and of the libraries they depend on, by name. */
  resolve(names) {
    const plan = runProgram('apt-get', ['install', '--simulate', '--yes', '--no-install-recommends', ...names], { env: this.#env });
    const all = [...plan.matchAll(/^Inst (\S+) \((\S+)/gm)].map(([, name, version]) => [name, version]);
    return Object.fromEntries(all.filter(([name]) => names.includes(name) || libraries.test(name)).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Downloads packages (apt checks their digests by the signed index) and unpacks each into a folder of its name in `root`. */
  unpack(versions, root) {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    for (const [name, deb] of this.#download(versions)) runProgram('dpkg-deb', ['--extract', deb, join(root, name)]);
  }

  /** As `unpack`, with all of them in one tree, as they would be installed; without the C library, which is the machine's own. */
  unpackMerged(versions, root) {
    rmSync(`${root}.tmp`, { recursive: true, force: true });
    for (const [name, deb] of this.#download(versions)) if (name !== 'libc6') runProgram('dpkg-deb', ['--extract', deb, `${root}.tmp`]);
    renameSync(`${root}.tmp`, root);
  }

  /** Names and files of packages. */
  #download(versions) {
    const debs = join(this.#folder, 'debs');
    const before = new Set(readdirSync(debs));
    const file = ([name, version]) => [...before].find((entry) => entry.startsWith(`${name}_${version.replaceAll(':', '%3a')}_`));
    const missing = Object.entries(versions).filter((one) => file(one) === undefined);
    if (missing.length > 0) runProgram('apt-get', ['download', '-qq', ...missing.map(([name, version]) => `${name}=${version}`)], { cwd: debs, env: this.#env });
    for (const entry of readdirSync(debs)) before.add(entry);
    return Object.entries(versions).map((one) => [one[0], join(debs, file(one))]);
  }
}
