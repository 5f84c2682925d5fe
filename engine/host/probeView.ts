import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { arch, release, tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { hostCommandFailed, hostToolMissing, systemCode } from '../base/errors.ts';
import { mountKernelOverlay, unmount } from './mounts.ts';
import { run } from './process.ts';
import type { RunResult } from './process.ts';

/** What the probe may ask of a host. Tests answer from recorded trees. */
export interface HostView {
  readonly uid: number;
  readonly user: string;
  /** As Node names it: `x64`, `arm64`, …. */
  readonly architecture: string;
  readonly kernel: string;
  read(path: string): Promise<string | undefined>;
  exists(path: string): boolean;
  /** Whether this user may read and write it. */
  mayUse(path: string): boolean;
  /** The path of a program; looks in the sbin folders too, which an ordinary user's PATH may lack. */
  which(program: string): string | undefined;
  /** Status 127 when there is no such program. */
  run(program: string, args: readonly string[], input?: string): Promise<RunResult>;
  /** Why an overlay could not be mounted and written on the file system of `folder`; `undefined` if it could. Needs root. */
  tryOverlay(folder: string): Promise<string | undefined>;
  /** `open`: something answers; else an error code such as ENOENT, EACCES, ECONNREFUSED. */
  trySocket(path: string): Promise<string>;
  /** The nearest folder on the way up that exists, whether it can be written to, and the bytes free there. */
  storage(path: string): Promise<{ readonly folder: string; readonly writable: boolean; readonly free: number }>;
}

export function realHostView(path: string = process.env['PATH'] ?? ''): HostView {
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
  const which = (program: string): string | undefined => folders.map((folder) => join(folder, program)).find(isExecutable);
  const uid = process.getuid?.() ?? -1;
  return {
    uid,
    user: userName(uid),
    architecture: arch(),
    kernel: release(),
    read: (file) => readFile(file, 'utf8').catch(() => undefined),
    exists: existsSync,
    mayUse,
    which,
    run: (program, args, input) => runOr127(which(program) ?? program, args, input),
    tryOverlay,
    trySocket,
    storage,
  };
}

/** The name of who runs this. Without an entry that our C library can look up (a directory service, an empty /etc/passwd): from the environment. */
function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return process.env['USER'] ?? String(uid);
  }
}

async function runOr127(program: string, args: readonly string[], input: string | undefined): Promise<RunResult> {
  try {
    return await run(program, args, { okStatus: 'any', signal: AbortSignal.timeout(20_000), ...(input === undefined ? {} : { input }) });
  } catch (error) {
    if (hostToolMissing.is(error)) return { status: 127, stdout: '', stderr: `${program}: not found` };
    return { status: 126, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function mayUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const PROBE = '.berth-probe-';

async function tryOverlay(folder: string): Promise<string | undefined> {
  await sweep(folder);
  const root = await mkdtemp(join(folder, PROBE));
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(root, name)) as [string, string, string, string];
  try {
    for (const path of [lower, upper, work, merged]) await mkdir(path);
    await writeFile(join(lower, 'below'), 'below');
    await mountKernelOverlay({ lowerDirs: [lower], upperDir: upper, workDir: work, target: merged });
    try {
      await writeFile(join(merged, 'below'), 'above');
      return (await readFile(join(upper, 'below'), 'utf8')) === 'above' ? undefined : 'a file written through the overlay did not reach its upper directory';
    } finally {
      await unmount(merged);
    }
  } catch (error) {
    const reason = hostCommandFailed.is(error) ? error.cause : error; // what to do, the doctor says
    return reason instanceof Error ? reason.message : String(reason);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Removes what a probe that was killed left here; one under way is younger than a minute. */
async function sweep(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((candidate) => candidate.startsWith(PROBE))) {
    const path = join(folder, name);
    if (Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity) < 60_000) continue;
    await unmount(join(path, 'merged'));
    await rm(path, { recursive: true, force: true });
  }
}

function trySocket(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('open');
    });
    socket.once('error', (error) => resolve(systemCode(error) ?? 'EIO'));
  });
}

async function storage(path: string): Promise<{ folder: string; writable: boolean; free: number }> {
  let folder = path === '' ? tmpdir() : path;
  while (folder !== '/' && !(await stat(folder).catch(() => undefined))?.isDirectory()) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  let writable = true;
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    writable = false;
  }
  return { folder, writable, free: bavail * bsize };
}
