// Builds engine/host/native: the add-on for what Node cannot do (sockets of another kind, devices and attributes of files, ids and namespaces of one thread, mounts), for x64 and arm64, into dist/native.
//   node scripts/native.mjs [x64|arm64 …]
// The compiler is $CC (for this machine's architecture), gcc or clang on PATH, else Debian's, unpacked in .cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { architectures } from './engine-archive/contents.mjs';
import { DebianPackages, keyring, runProgram } from './engine-archive/debian.mjs';
import { root } from './node.mjs';
import { setupHost } from './setup.mjs';

const sources = ['seqpacket.c', 'thread.c', 'files.c', 'mounts.c'].map((name) => join(root, 'engine', 'host', 'native', name));
const loader = join(root, 'engine', 'host', 'native', 'native.cjs');
const kept = join(root, '.cache', 'native');
const output = join(root, 'dist', 'native');
/** No library is linked: what it calls is in the process already, whichever C library that has. */
const flags = ['-std=gnu11', '-O2', '-Wall', '-Werror', '-Wno-unused-parameter', '-fPIC', '-fvisibility=hidden', '-fno-stack-protector', '-U_FORTIFY_SOURCE', '-shared', '-nostdlib', '-Wl,-z,relro,-z,now', '-Wl,--build-id=none', '-s'];

export const nativeFile = (architecture) => `native-linux-${architecture}.node`;

/** Builds the add-on of these architectures; returns the folder they are in. One that was built from the same source is taken from the cache. */
export function buildNative(names = [process.arch], { say = console.log } = {}) {
  const headers = join(root, 'node_modules', `node-linux-${process.arch}`, 'include', 'node');
  const hash = createHash('sha256').update(JSON.stringify(flags));
  for (const path of [...sources, join(headers, 'uv', 'version.h')]) hash.update(readFileSync(path));
  const key = hash.digest('hex').slice(0, 24);
  for (const folder of [kept, output]) mkdirSync(folder, { recursive: true });
  place(loader, join(output, 'native.cjs'));
  for (const architecture of names) {
    const built = join(kept, `${key}-${nativeFile(architecture)}`);
    if (!existsSync(built)) compile(architecture, headers, built, say);
    place(built, join(output, nativeFile(architecture)));
  }
  for (const name of readdirSync(kept)) if (name.endsWith('.node') && !name.startsWith(key)) rmSync(join(kept, name));
  return output;
}

/** In the place of what is there, never into it: an engine that runs has that file mapped, and would end by SIGSEGV. */
function place(from, to) {
  const temp = `${to}.tmp-${process.pid}`;
  copyFileSync(from, temp);
  renameSync(temp, to);
}

/** Whether the add-on of an architecture can be had without fetching a compiler. */
export function hasCompiler(architecture) {
  return existsSync(join(kept, `gcc-${architecture}`, 'merged')) || installedCompiler(architecture) !== undefined;
}

function compile(architecture, headers, to, say) {
  const { program, args, env } = compilerFor(architecture, say);
  const temp = `${to}.tmp-${process.pid}`;
  runProgram(program, [...args, ...flags, '-isystem', headers, '-o', temp, ...sources], { env });
  renameSync(temp, to);
}

function compilerFor(architecture, say) {
  const installed = installedCompiler(architecture);
  if (installed !== undefined) return installed;
  if (existsSync(keyring)) return unpackedCompiler(architecture, say);
  // Ubuntu, for instance, cannot check Debian's packages. (libc6-dev brings sprof.)
  if (architecture === process.arch) setupHost({ gcc: 'gcc', sprof: 'libc6-dev' });
  const now = installedCompiler(architecture);
  if (now === undefined) throw new Error(`A C compiler for ${architecture} is needed to build the engine, and none was found. Install gcc and the headers of the C library (Debian and Ubuntu: apt-get install gcc libc6-dev), or set CC.`);
  return now;
}

function installedCompiler(architecture) {
  const { triplet } = architectures[architecture];
  const names = architecture === process.arch ? [process.env.CC, 'gcc', 'clang', 'cc'] : [`${triplet}-gcc`];
  const program = names.find((name) => name !== undefined && hasHeaders(name));
  return program && { program, args: [], env: process.env };
}

/** A compiler without the C library's headers is none. */
function hasHeaders(program) {
  return spawnSync(program, ['-E', '-x', 'c', '-'], { input: '#include <sys/socket.h>\n', stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

/** Debian's compiler in a folder of ours. */
function unpackedCompiler(architecture, say) {
  const { triplet, debian: target } = architectures[architecture];
  const mine = architectures[process.arch];
  const isCross = architecture !== process.arch;
  const dashed = triplet.replace('_', '-');
  const folder = join(kept, `gcc-${architecture}`);
  const merged = join(folder, 'merged');
  if (!existsSync(merged)) {
    say(`No C compiler for ${architecture} is installed: fetching Debian's …`);
    const debian = new DebianPackages(folder, mine.debian);
    debian.update();
    const [suffix, cross] = isCross ? [`-${dashed}`, `-${target}-cross`] : ['', ''];
    debian.unpackMerged(debian.resolve([`gcc-12${suffix}`, `cpp-12${suffix}`, 'binutils', `binutils-${dashed}`, `libc6-dev${cross}`, `linux-libc-dev${cross}`]), merged);
    for (const name of ['debs', 'apt']) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const include = isCross ? [`usr/${triplet}/include`] : [`usr/include/${triplet}`, 'usr/include'];
  const libraries = [`usr/lib/${mine.triplet}`, `lib/${mine.triplet}`].map((path) => join(merged, path)).join(':');
  const env = { ...process.env, PATH: `${join(merged, 'usr/bin')}:${process.env.PATH ?? ''}`, LD_LIBRARY_PATH: libraries };
  return { program: join(merged, 'usr/bin', `${triplet}-gcc-12`), args: include.flatMap((path) => ['-isystem', join(merged, path)]), env };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2);
  console.log(buildNative(names.length > 0 ? names : undefined));
}
