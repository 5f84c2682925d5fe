// The part of the archive that changes rarely: Node, the container tools, their libraries and loader, their licences.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from '../node.mjs';
import { architectures, furtherLibraries, placeholder, programs, unpacker } from './contents.mjs';
import { DebianPackages, runProgram } from './debian.mjs';
import { isElf, readElf, stripped } from './elf.mjs';
import { npmPackage } from './npm.mjs';

const cache = join(root, '.cache', 'engine-archive');
const programFolders = ['usr/bin', 'usr/sbin', 'bin', 'sbin'];

/** Of what decides what is in the tree, but for the versions in Debian. */
function recipe(node) {
  const hash = createHash('sha256').update(node);
  for (const name of ['contents', 'debian', 'elf', 'tree']) hash.update(readFileSync(join(import.meta.dirname, `${name}.mjs`)));
  return hash.digest('hex');
}

/**
 * Makes the tree of an architecture and returns its folder and the versions in it. With `refresh` it asks Debian for newer
 * packages; without, one made before will do.
 */
export function makeTree(architecture, { refresh, say }) {
  const node = npmPackage(`node-linux-${architecture}`);
  const key = recipe(node.version);
  const folder = join(cache, architecture);
  const stamp = join(folder, 'tree.json');
  const found = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : undefined;
  const known = found?.key === key ? found : undefined;
  const { packages } = known !== undefined && !refresh ? known : renewTree(folder, architecture, { node, key, known, stamp, say });
  return { folder: join(folder, 'tree'), packages, node: node.version, key };
}

function renewTree(folder, architecture, { node, key, known, stamp, say }) {
  say(`Packages of Debian for ${architecture} …`);
  const debian = new DebianPackages(folder, architectures[architecture].debian);
  debian.update();
  const resolved = debian.resolve([...Object.keys(programs), unpacker.package]);
  if (known !== undefined && JSON.stringify(known.resolved) === JSON.stringify(resolved)) return known;
  debian.unpack(resolved, join(folder, 'root'));
  rmSync(stamp, { force: true }); // what it says is not true any more
  const used = assemble(folder, architecture, node);
  const packages = Object.fromEntries(Object.entries(resolved).filter(([name]) => used.has(name)));
  writeFileSync(stamp, JSON.stringify({ key, resolved, packages }));
  return { packages };
}

/** Puts the tree together; returns the names of the packages that something in it, or the unpacker, comes from. */
function assemble(folder, architecture, node) {
  const [from, temp] = [join(folder, 'root'), join(folder, 'tree.new')];
  const packages = new PackageFiles(from, architectures[architecture].triplet);
  rmSync(temp, { recursive: true, force: true });
  for (const name of ['app', 'bin', 'lib', 'licenses']) mkdirSync(join(temp, name), { recursive: true });
  writeFileSync(join(temp, 'app/node'), stripped(readFileSync(join(node.folder, 'bin/node'))), { mode: 0o755 });
  copyFileSync(join(node.folder, 'LICENSE'), join(temp, 'licenses/node'));
  for (const name of Object.values(programs).flat()) packages.copyProgram(name, join(temp, 'bin', name));
  packages.copyProgram(unpacker.program, join(folder, 'unpacker'));
  const files = [join(temp, 'app/node'), ...readdirSync(join(temp, 'bin')).map((name) => join(temp, 'bin', name))];
  packages.copyLibraries(architectures[architecture].loader, files, join(temp, 'lib'));
  packages.copyLicenses(join(temp, 'licenses'));
  relocatable(folder, architectures[architecture], files);
  rmSync(from, { recursive: true, force: true });
  rmSync(join(folder, 'tree'), { recursive: true, force: true });
  renameSync(temp, join(folder, 'tree'));
  return packages.used;
}

/** Unpacked packages, each in a folder of its name; remembers which of them something was taken from. */
class PackageFiles {
  used = new Set();
  #root;
  #names;
  #libraryFolders;

  constructor(root, triplet) {
    this.#root = root;
    this.#names = readdirSync(root);
    this.#libraryFolders = [`lib/${triplet}`, `usr/lib/${triplet}`];
  }

  #find(folders, name) {
    for (const owner of this.#names) {
      const path = folders.map((folder) => join(this.#root, owner, folder, name)).find((candidate) => existsSync(candidate));
      if (path === undefined) continue;
      this.used.add(owner);
      return path;
    }
    throw new Error(`${name} is in none of the packages`);
  }

  copyProgram(name, to) {
    copyFileSync(this.#find(programFolders, name), to);
    chmodSync(to, 0o755); // never set-user-ID: mount and umount are that in Debian
  }

  /** Copies what the programs need, and what that needs, each under the name it is asked for by. */
  copyLibraries(loader, files, to) {
    const wanted = [loader, ...furtherLibraries, ...files.flatMap((path) => readElf(readFileSync(path)).needed)];
    const done = new Set();
    for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
      if (done.has(name)) continue;
      done.add(name);
      copyFileSync(realpathSync(this.#find(this.#libraryFolders, name)), join(to, name));
      chmodSync(join(to, name), name === loader ? 0o755 : 0o644);
      wanted.push(...readElf(readFileSync(join(to, name))).needed);
    }
  }

  /** The licence of each package that something was taken from; some have theirs in another package. */
  copyLicenses(to) {
    for (const name of [...this.used]) {
      const folder = join('usr/share/doc', name);
      const link = lstatSync(join(this.#root, name, folder)).isSymbolicLink() ? basename(readlinkSync(join(this.#root, name, folder))) : name;
      this.used.add(link);
      copyFileSync(join(this.#root, link, 'usr/share/doc', link, 'copyright'), join(to, name));
    }
  }
}

/** Puts the placeholder where each program has its loader and the folder of its libraries. RPATH, not RUNPATH: it counts for add-ons and libraries of libraries too. */
function relocatable(folder, { loader }, files) {
  const patchelf = hostPatchelf(folder);
  for (const path of files.filter((candidate) => readElf(readFileSync(candidate)).loader !== undefined)) {
    patchelf(['--set-interpreter', `${placeholder}/lib/${loader}`, '--force-rpath', '--set-rpath', `${placeholder}/lib`, path]);
  }
}

/** This machine's patchelf, else Debian's unpacked beside. */
function hostPatchelf(folder) {
  const beside = join(folder, '..', 'patchelf');
  if (!existsSync(join(beside, 'patchelf/usr/bin/patchelf'))) {
    const debian = new DebianPackages(join(folder, '..', 'host'), architectures[process.arch].debian);
    debian.update();
    debian.unpack(debian.resolve(['patchelf']), beside);
  }
  const { triplet, loader } = architectures[process.arch];
  const libraries = readdirSync(beside).flatMap((name) => [`lib/${triplet}`, `usr/lib/${triplet}`].map((path) => join(beside, name, path)));
  return (args) => runProgram(join(beside, 'libc6/lib', triplet, loader), ['--library-path', libraries.join(':'), join(beside, 'patchelf/usr/bin/patchelf'), ...args]);
}

/** Where the placeholder is in a file: `{ offset, suffix }`. */
export function placesIn(bytes) {
  if (!isElf(bytes)) return [];
  const found = [];
  for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder, at + placeholder.length)) {
    const end = bytes.indexOf(0, at);
    found.push({ offset: at, suffix: bytes.subarray(at + placeholder.length, end).toString() });
  }
  return found;
}

/** Every file below a folder, as paths relative to it. */
export function filesBelow(folder, prefix = '') {
  return readdirSync(join(folder, prefix)).sort().flatMap((name) => {
    const path = prefix === '' ? name : `${prefix}/${name}`;
    return statSync(join(folder, path)).isDirectory() ? filesBelow(folder, path) : [path];
  });
}
