// npm run package:engine [-- x64|arm64 …]: the engine with all it needs on a bare Linux host, one archive per architecture:
//   dist/berth-engine-linux-<arch>.tar.gz    what is carried to a host; its sha256 names the installation there
//   dist/berth-engine-linux-<arch>.json      digest, sizes and the versions inside
//   dist/berth-engine-linux-<arch>.unpacker  a static program that unpacks it where the host has no tar, gzip or sha256sum
// Needs apt-get and dpkg-deb (no root), and what Debian and npm serve. `--cached`: does with the packages fetched before, and
// with the archives made before where nothing that goes into them changed. `--output=DIR`: puts them elsewhere. `--check`: tries them.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildIfNeeded, engineBundles } from './build.mjs';
import { checkArchive } from './engine-archive/check.mjs';
import { architectures, npm, placeholder } from './engine-archive/contents.mjs';
import { npmFile } from './engine-archive/npm.mjs';
import { tarOf } from './engine-archive/tar.mjs';
import { filesBelow, makeTree, placesIn } from './engine-archive/tree.mjs';
import { buildNative, nativeFile } from './native.mjs';
import { root } from './node.mjs';

const dist = join(root, 'dist');
const hex = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Packs the engine for each architecture; returns the manifests. */
export async function packageEngine({ names = Object.keys(architectures), refresh = true, output = dist, say = console.log } = {}) {
  await buildIfNeeded();
  return names.map((architecture) => packOne(architecture, { refresh, output, say }));
}

function packOne(architecture, { refresh, output, say }) {
  const tree = makeTree(architecture, { refresh, say });
  const ours = [...engineFiles(), ...addonFiles(architecture, say)];
  const name = join(output, `berth-engine-linux-${architecture}`);
  const inputs = hex(JSON.stringify([tree.packages, tree.key, ...ours.map(({ path, content }) => [path, hex(content)])]));
  const made = refresh ? undefined : madeBefore(name, inputs);
  if (made) return made;
  const files = [...readFiles(tree.folder, ''), ...ours];
  const places = files.flatMap(({ path, content }) => placesIn(content).map((place) => ({ file: path, ...place })));
  const versions = { node: tree.node, ...tree.packages };
  files.push(text('relocations.json', JSON.stringify({ room: placeholder.length, places })), text('versions.json', `${JSON.stringify(versions, null, 2)}\n`));
  const tar = tarOf(files);
  const archive = gzipSync(tar, { level: 6 });
  writeAtomic(`${name}.tar.gz`, archive);
  copyFileSync(join(tree.folder, '..', 'unpacker'), `${name}.unpacker`);
  chmodSync(`${name}.unpacker`, 0o755);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const helper = readFileSync(`${name}.unpacker`);
  const manifest = { format: 1, version, architecture, loader: architectures[architecture].loader, digest: hex(archive), size: archive.length, unpackedSize: tar.length, unpacker: { digest: hex(helper), size: helper.length }, inputs, versions };
  writeAtomic(`${name}.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function madeBefore(name, inputs) {
  if (![`${name}.json`, `${name}.tar.gz`, `${name}.unpacker`].every((path) => existsSync(path))) return undefined;
  const manifest = JSON.parse(readFileSync(`${name}.json`, 'utf8'));
  return manifest.inputs === inputs && statSync(`${name}.tar.gz`).size === manifest.size ? manifest : undefined;
}

function text(path, content) {
  return { path, mode: 0o644, content: Buffer.from(content) };
}

function readFiles(folder, prefix) {
  return filesBelow(folder).map((path) => ({ path: prefix + path, mode: statSync(join(folder, path)).mode & 0o111 ? 0o755 : 0o644, content: readFileSync(join(folder, path)) }));
}

function engineFiles() {
  const finish = ['finish.cjs', 'launcher.sh'].map((name) => text(name, readFileSync(join(root, 'scripts/engine-archive', name))));
  const npmPacked = { path: 'app/npm.tgz', mode: 0o644, content: readFileSync(npmFile('npm', npm)) };
  return [...finish, npmPacked, text('licenses/berth', readFileSync(join(root, 'LICENSE'))), ...engineBundles.map((name) => text(`app/${name}`, readFileSync(join(dist, name))))];
}

function addonFiles(architecture, say) {
  const folder = buildNative([architecture], { say });
  return ['native.cjs', nativeFile(architecture)].map((name) => text(`app/native/${name}`, readFileSync(join(folder, name))));
}

function writeAtomic(path, content) {
  writeFileSync(`${path}.tmp-${process.pid}`, content);
  renameSync(`${path}.tmp-${process.pid}`, path);
}

async function main(args) {
  const names = args.filter((arg) => !arg.startsWith('--'));
  for (const name of names) if (!(name in architectures)) throw new Error(`${name} is not an architecture of the engine: ${Object.keys(architectures).join(', ')}`);
  const output = args.find((arg) => arg.startsWith('--output='))?.slice('--output='.length);
  const manifests = await packageEngine({ names: names.length > 0 ? names : undefined, refresh: !args.includes('--cached'), output });
  for (const { architecture, version, digest, size, unpackedSize } of manifests) {
    console.log(`dist/berth-engine-linux-${architecture}.tar.gz  ${version}  ${(size / 1e6).toFixed(1)} MB (${(unpackedSize / 1e6).toFixed(0)} unpacked)  sha256:${digest}`);
  }
  if (args.includes('--check')) for (const manifest of manifests) console.log(checkArchive(manifest, join(output ?? dist, `berth-engine-linux-${manifest.architecture}.tar.gz`)));
  return 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.slice(2)).catch((error) => {
    console.error(`npm run package:engine: ${error.message}`);
    return 1;
  });
}
