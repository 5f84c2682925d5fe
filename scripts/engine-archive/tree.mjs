// The part of the archive that changes rarely: Node, the container tools, their libraries and loader, their licences.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../node.mjs';
import { architectures, placeholder, programs, unpacker } from './contents.mjs';
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
  const known = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : undefined;
  if (known?.key === key && !refresh) return { folder: join(folder, 'tree'), packages: known.packages, node: node.version, key };
  say(`Packages of Debian for ${architecture} …`);
  const debian = new DebianPackages(folder, architectures[architecture].debian);
  debian.update();
  const packages = debian.resolve([...Object.keys(programs), unpacker.package]);
  if (known?.key !== key || JSON.stringify(known.packages) !== JSON.stringify(packages)) {
    debian.unpack(packages, join(folder, 'root'));
    assemble(folder, architecture, node, packages);
    writeFileSync(stamp, JSON.stringify({ key, packages }));
  }
  return { folder: join(folder, 'tree'), packages, node: node.version, key };
}

function assemble(folder, architecture, node, packages) {
  const [from, temp] = [join(folder, 'root'), join(folder, 'tree.new')];
  rmSync(temp, { recursive: true, force: true });
  for (const name of ['app', 'bin', 'lib', 'licenses']) mkdirSync(join(temp, name), { recursive: true });
  writeFileSync(join(temp, 'app/node'), stripped(readFileSync(join(node.folder, 'bin/node'))), { mode: 0o755 });
  copyFileSync(join(node.folder, 'LICENSE'), join(temp, 'licenses/node'));
  for (const name of Object.values(programs).flat()) copyProgram(from, name, join(temp, 'bin', name));
  copyProgram(from, unpacker.program, join(folder, 'unpacker'));
  const files = [join(temp, 'app/node'), ...readdirSync(join(temp, 'bin')).map((name) => join(temp, 'bin', name))];
  copyLibraries(from, architectures[architecture], files, join(temp, 'lib'));
  for (const name of Object.keys(packages)) copyLicense(from, name, join(temp, 'licenses'));
  relocatable(folder, architectures[architecture], files);
  rmSync(from, { recursive: true, force: true });
  rmSync(join(folder, 'tree'), { recursive: true, force: true });
  renameSync(temp, join(folder, 'tree'));
}

function copyProgram(from, name, to) {
  const path = programFolders.map((folder) => join(from, folder, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`${name} is in none of the packages`);
  copyFileSync(path, to);
  chmodSync(to, 0o755); // never set-user-ID: mount and umount are that in Debian
}

/** Copies what the programs need, and what that needs, each under the name it is asked for by. */
function copyLibraries(from, { triplet, loader }, files, to) {
  const folders = [`lib/${triplet}`, `usr/lib/${triplet}`].map((folder) => join(from, folder));
  const wanted = [loader, ...files.flatMap((path) => readElf(readFileSync(path)).needed)];
  const done = new Set();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (done.has(name)) continue;
    done.add(name);
    const path = folders.map((folder) => join(folder, name)).find((candidate) => existsSync(candidate));
    if (path === undefined) throw new Error(`${name}, a library that a program of the archive needs, is in none of the packages`);
    copyFileSync(realpathSync(path), join(to, name));
    chmodSync(join(to, name), name === loader ? 0o755 : 0o644);
    wanted.push(...readElf(readFileSync(join(to, name))).needed);
  }
}

function copyLicense(from, name, to) {
  const path = join(from, 'usr/share/doc', name, 'copyright');
  if (existsSync(path)) copyFileSync(path, join(to, name)); // a link in a package leads to that of another, which is here too
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
  if (!existsSync(join(beside, 'usr/bin/patchelf'))) {
    const debian = new DebianPackages(join(folder, '..', 'host'), architectures[process.arch].debian);
    debian.update();
    debian.unpack(debian.resolve(['patchelf']), beside);
  }
  const { triplet, loader } = architectures[process.arch];
  const libraries = [`lib/${triplet}`, `usr/lib/${triplet}`].map((path) => join(beside, path));
  return (args) => runProgram(join(libraries[0], loader), ['--library-path', libraries.join(':'), join(beside, 'usr/bin/patchelf'), ...args]);
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
