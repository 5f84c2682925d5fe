import { readFile, realpath } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { defineError, hostToolMissing, systemCode } from '../base/errors.ts';
import { callMount, callUnmount, mountFailure, mountFlags } from './mountCalls.ts';
import { run } from './process.ts';
import { inUserNamespace } from './userNamespace.ts';

/** An overlay file system to mount. All paths absolute and on one host; `lowerDirs` topmost first. */
export interface OverlaySpec {
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  readonly target: string;
  /** Skip every sync of the upper directory: for work that a crash of the host may lose. */
  readonly volatile?: boolean;
  /** Device nodes in it are of no use. */
  readonly noDevices?: boolean;
  /** The SELinux label of everything in it, whatever the layers have. */
  readonly label?: string;
}

export interface MountEntry {
  readonly target: string;
  readonly fsType: string;
  readonly source: string;
  /** Super block options. */
  readonly options: string;
}

export const tooManyLayers = defineError<{ layers: number; bytes: number }>('TOO_MANY_LAYERS', 500, (p) => `The image has ${p.layers} layers; their names take ${p.bytes} bytes, more than the kernel's 4095 for one mount. Build the image with fewer layers.`);

/** One page, with the zero that ends it. */
const OPTION_LIMIT = 4095;

/** The folder to mount from and the options: directories relative to it, so that 127 layers fit one page. */
export function overlayOptions(spec: OverlaySpec, userNamespace: boolean = inUserNamespace()): { readonly cwd: string; readonly options: string } {
  const cwd = bestFolder(spec.lowerDirs);
  const name = (path: string): string => (relative(cwd, path) || '.').replaceAll(/[\\:,]/g, '\\$&');
  const options = [
    `lowerdir=${spec.lowerDirs.map(name).join(':')}`,
    `upperdir=${name(spec.upperDir)}`,
    `workdir=${name(spec.workDir)}`,
    // An upper directory must mean by itself what it says: it may become an image layer. With `userxattr` the kernel sees to the rest itself.
    userNamespace ? 'userxattr,index=off,xino=off' : 'index=off,redirect_dir=off,metacopy=off,xino=off',
    ...(spec.volatile ? ['volatile'] : []),
    ...labelOption(spec.label),
  ].join(',');
  const bytes = Buffer.byteLength(options);
  if (bytes > OPTION_LIMIT) throw tooManyLayers({ layers: spec.lowerDirs.length, bytes });
  return { cwd, options };
}

/** Whether the kernel mounts overlays for us: known for root, and after the first one elsewhere. */
let kernelOverlay: boolean | undefined = inUserNamespace() ? undefined : true;

/** Mounts an overlay on `target`; in a user namespace where the kernel refuses, by fuse-overlayfs. Throws TOO_MANY_LAYERS, HOST_COMMAND_FAILED. */
export async function mountOverlay(spec: OverlaySpec): Promise<void> {
  if (kernelOverlay === false) return mountFuseOverlay(spec);
  try {
    await mountKernelOverlay(spec);
    kernelOverlay = true;
  } catch (error) {
    if (kernelOverlay || tooManyLayers.is(error)) throw error;
    // Without fuse-overlayfs what the kernel said counts.
    await mountFuseOverlay(spec).catch((fuseError: unknown) => {
      throw hostToolMissing.is(fuseError) ? error : fuseError;
    });
    kernelOverlay = false;
  }
}

/** By the kernel, or not at all. */
export async function mountKernelOverlay(spec: OverlaySpec): Promise<void> {
  const { cwd, options } = overlayOptions(spec);
  await callMount({ folder: cwd, source: 'overlay', target: spec.target, type: 'overlay', options, flags: spec.noDevices ? mountFlags.nodev : 0 });
}

/** Its process lives as long as the mount. It writes whiteouts as the kernel does, or as files in the form that layers have. */
export async function mountFuseOverlay({ lowerDirs, upperDir, workDir, target }: OverlaySpec): Promise<void> {
  const name = (path: string): string => path.replaceAll(/[\\:,]/g, '\\$&');
  await run('fuse-overlayfs', ['-o', `lowerdir=${lowerDirs.map(name).join(':')},upperdir=${name(upperDir)},workdir=${name(workDir)}`, target]);
}

/** Mounts `source`, without what is mounted in it, on `target`. */
export async function mountBind(source: string, target: string): Promise<void> {
  await callMount({ source, target, flags: mountFlags.bind });
}

/** Mounts what a descriptor holds on `target`, whatever its name leads to by now. It stays open until that is done. */
export async function mountBindFd(fd: number, target: string): Promise<void> {
  await mountBind(`/proc/self/fd/${fd}`, target);
}

/** How the mount that holds a path passes on mounts made below it: `shared`, `slave` (it only receives them) or `private`. */
export async function propagationOf(path: string): Promise<'shared' | 'slave' | 'private'> {
  const real = await realpath(path);
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' '));
  const holding = lines.filter(([, , , , target = '']) => target !== '' && (real === unescape(target) || real.startsWith(target === '/' ? '/' : `${unescape(target)}/`)));
  const [, , , , , , ...rest] = holding.reduce((best, line) => ((line[4]?.length ?? 0) >= (best[4]?.length ?? 0) ? line : best), [] as string[]);
  const tags = rest.slice(0, rest.indexOf('-'));
  return tags.some((tag) => tag.startsWith('shared:')) ? 'shared' : tags.some((tag) => tag.startsWith('master:')) ? 'slave' : 'private';
}

/** Mounts an empty file system in memory. `mode` octal, `size` in bytes; `label` of SELinux. */
export async function mountTmpfs(target: string, options: { readonly mode: string; readonly size: number; readonly label?: string }): Promise<void> {
  const data = [`mode=${options.mode}`, `size=${options.size}`, ...labelOption(options.label)].join(',');
  await callMount({ source: 'shm', target, type: 'tmpfs', options: data, flags: mountFlags.nosuid | mountFlags.noexec | mountFlags.nodev });
}

/** In quotes, which the kernel takes away, for a label may have commas. */
function labelOption(label: string | undefined): string[] {
  return label === undefined ? [] : [`context="${label}"`];
}

/** Takes everything mounted on these paths away, at once for new users and when the last user is gone for good. Not mounted is fine. Throws HOST_COMMAND_FAILED. */
export async function unmount(...paths: readonly string[]): Promise<void> {
  const targets = [...new Set(paths)];
  if (targets.length === 0) return;
  const failure = await callUnmount(targets);
  if (failure === 0) return;
  // Nothing mounted there is told as a mount that may not be taken away is.
  const mounted = new Set((await listMounts()).map(({ target }) => target));
  const left = targets.filter((target) => mounted.has(target));
  if (left.length === 0) return;
  if (left.length < targets.length) return unmount(...left);
  throw mountFailure('umount -l', left.join(' '), failure);
}

/** Takes away every mount inside a folder, so that removing the folder cannot empty what is mounted there. Throws if one stays. */
export async function unmountInside(folder: string): Promise<void> {
  const real = await realpath(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (real === undefined) return;
  const inside = (await listMounts()).map(({ target }) => target).filter((target) => target.startsWith(`${real}/`));
  await unmount(...inside.reverse());
}

/** What this process sees mounted, in the order it was mounted. */
export async function listMounts(): Promise<readonly MountEntry[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').flatMap((line) => parseMountLine(line) ?? []);
}

/** One line of /proc/<pid>/mountinfo. */
export function parseMountLine(line: string): MountEntry | undefined {
  const [before = '', after] = line.split(' - ');
  const target = before.split(' ')[4];
  if (target === undefined || after === undefined) return undefined;
  const [fsType = '', source = '', options = ''] = after.split(' ');
  return { target: unescape(target), fsType, source: unescape(source), options };
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Where the names of the layers are shortest: `../` counts too, so it is where most of them are. */
function bestFolder(layers: readonly string[]): string {
  const candidates = new Set(layers.slice(0, 3).flatMap(ancestors));
  const cost = (folder: string): number => layers.reduce((sum, layer) => sum + relative(folder, layer).length, 0);
  return [...candidates].map((folder) => ({ folder, cost: cost(folder) })).sort((a, b) => a.cost - b.cost)[0]?.folder ?? '/';
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...ancestors(parent)];
}
