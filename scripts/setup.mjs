// Makes this machine ready: npm packages, host packages, the pinned Node. Idempotent; quick when there is nothing to do.
// Must itself run on Node 18.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pinnedNode, root } from './node.mjs';

const stamp = join(root, '.cache', 'npm.stamp');

/** Installs npm packages when package-lock.json changed since the last time, or when something is missing. */
export function setupPackages() {
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(join(root, 'node_modules', '.bin', 'webpack'))) return;
  console.log('Installing npm packages …');
  // Install scripts are not needed (prebuilt binaries come in the packages) and not trusted.
  // Not "npm ci": it fails where a registry lacks an optional package of another platform.
  command('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stamp, wanted);
  if (pinnedNode() === process.execPath) console.log(`No pinned Node for ${process.platform}-${process.arch}: using ${process.version}.`);
}

/** Host packages by the program that shows they are there. */
export const engineTools = { crun: 'crun', runc: 'runc', conmon: 'conmon', nft: 'nftables', ip: 'iproute2', mmdebstrap: 'mmdebstrap', getfattr: 'attr', tini: 'tini', nsenter: 'util-linux' };
export const testTools = { ...engineTools, 'docker-registry': 'docker-registry', skopeo: 'skopeo', podman: 'podman', openssl: 'openssl', chromium: 'chromium', dockerd: 'docker.io', docker: 'docker.io', htpasswd: 'apache2-utils', ssh: 'openssh-client', sshd: 'openssh-server', rsync: 'rsync', git: 'git', rootlesskit: 'rootlesskit', slirp4netns: 'slirp4netns', newuidmap: 'uidmap', useradd: 'passwd', 'fuse-overlayfs': 'fuse-overlayfs', patchelf: 'patchelf', busybox: 'busybox-static', 'qemu-aarch64-static': 'qemu-user-static' };
/** For the tests on a machine of its own (npm run test:remote-vm). */
export const vmTools = { mmdebstrap: 'mmdebstrap', 'qemu-system-x86_64': 'qemu-system-x86', 'qemu-img': 'qemu-utils', 'mke2fs': 'e2fsprogs', lz4: 'lz4', docker: testTools.docker, ssh: 'openssh-client', patchelf: 'patchelf', busybox: 'busybox-static' };

/** Installs missing host packages with apt when root; returns the programs that are still missing. */
export function setupHost(tools) {
  let missing = Object.keys(tools).filter((name) => !onPath(name));
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || !onPath('apt-get')) return missing;
  const packages = [...new Set(missing.map((name) => tools[name]))];
  console.log(`Installing host packages: ${packages.join(' ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  command('apt-get', ['update', '-qq'], env, true);
  command('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], env, true);
  missing = missing.filter((name) => !onPath(name));
  return missing;
}

/** Whether a program is in one of the folders of PATH or of the system's sbin. */
export function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.some((folder) => existsSync(join(folder, name)));
}

function command(program, args, env = process.env, quiet = false) {
  const result = spawnSync(program, args, { cwd: root, env, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(result.stderr ?? '');
  throw new Error(`${program} ${args.join(' ')} failed with status ${result.status ?? result.signal ?? result.error?.message}`);
}
