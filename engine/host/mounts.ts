import { readFile, realpath } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { defineError, hostCommandFailed, hostToolMissing, systemCode } from '../base/errors.ts';
import { run, start, startFailure } from './process.ts';
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
/** libmount's newer path hands options over one by one, each at most 255 bytes: too short for a list of layers. */
const environment = { PATH: process.env['PATH'], LIBMOUNT_FORCE_MOUNT2: 'always', LC_ALL: 'C' };

/** The folder to run `mount` in and its options: directories relative to it, so that 127 layers fit one page. */
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
    ...(spec.noDevices ? ['nodev'] : []),
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
  const { cwd, options } = overlayOptions(spec);
  try {
    await run('mount', ['-i', '-n', '-t', 'overlay', 'overlay', '-o', options, spec.target], { cwd, env: environment });
    kernelOverlay = true;
  } catch (error) {
    if (kernelOverlay) throw error;
    // Without fuse-overlayfs what the kernel said counts.
    await mountFuseOverlay(spec).catch((fuseError: unknown) => {
      throw hostToolMissing.is(fuseError) ? error : fuseError;
    });
    kernelOverlay = false;
  }
}

/** Its process lives as long as the mount. It writes whiteouts as the kernel does, or as files in the form that layers have. */
export async function mountFuseOverlay({ lowerDirs, upperDir, workDir, target }: OverlaySpec): Promise<void> {
  const name = (path: string): string => path.replaceAll(/[\\:,]/g, '\\$&');
  await run('fuse-overlayfs', ['-o', `lowerdir=${lowerDirs.map(name).join(':')},upperdir=${name(upperDir)},workdir=${name(workDir)}`, target]);
}

/** Mounts `source` on `target` with further options, such as `X-mount.idmap=…`. */
export async function mountBind(source: string, target: string, options: readonly string[] = []): Promise<void> {
  await run('mount', ['-n', '--bind', ...(options.length > 0 ? ['-o', options.join(',')] : []), source, target], { env: environment });
}

/** Mounts what a descriptor holds on `target`, whatever its name leads to by now. */
export async function mountBindFd(fd: number, target: string): Promise<void> {
  const child = start('mount', ['-c', '-n', '--bind', '/proc/self/fd/3', target], { env: environment, stdio: ['ignore', 'ignore', 'pipe', fd] });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-1000)));
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('mount', error)));
    child.once('close', (code) => resolve(code ?? 1));
  });
  if (status !== 0) throw hostCommandFailed({ command: `mount --bind … ${target}`, status, stderr: words.trim() });
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
  const all = ['nosuid', 'noexec', 'nodev', `mode=${options.mode}`, `size=${options.size}`, ...labelOption(options.label)];
  await run('mount', ['-i', '-n', '-t', 'tmpfs', 'shm', '-o', all.join(','), target], { env: environment });
}

/** In quotes, for a label may have commas; mount and the kernel both take them away. */
function labelOption(label: string | undefined): string[] {
  return label === undefined ? [] : [`context="${label}"`];
}

/** Takes everything mounted on these paths away, at once for new users and when the last user is gone for good. Not mounted is fine. */
export async function unmount(...targets: readonly string[]): Promise<void> {
  if (targets.length === 0) return;
  const { status, stderr } = await run('umount', ['-l', '-n', ...targets], { env: environment, okStatus: 'any' });
  if (status === 0) return;
  const wanted = new Set(targets);
  const left = (await listMounts()).filter((mount) => wanted.has(mount.target)).map((mount) => mount.target);
  if (left.length === 0) return;
  if (left.length < targets.length) return unmount(...left);
  await run('umount', ['-l', ...left], { env: environment }).catch((error: unknown) => {
    throw new Error(`cannot unmount ${left.join(', ')}: ${stderr.trim()}`, { cause: error });
  });
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
