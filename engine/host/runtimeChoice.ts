import { lstat, mkdir, readFile, readlink, realpath, rm, stat, symlink } from 'node:fs/promises';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../base/atomicFile.ts';
import { defineError, hostToolMissing } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { CgroupFacts } from './cgroups.ts';
import { OciRuntime, writeBundle } from './ociRuntime.ts';
import { statusOf } from './process.ts';
import { buildSpec } from './ociSpec.ts';
import type { OciMount } from './ociTypes.ts';
import { inUserNamespace } from './userNamespace.ts';

export const noUsableRuntime = defineError<{ detail: string }>('NO_USABLE_RUNTIME', 500, (p) => `No usable OCI runtime on this host: ${p.detail}. Run berth doctor for what is wrong, berth doctor --fix to install what is missing.`);

/** Stands in where the host has no runtime: the engine serves what needs none, and says what is missing when one is needed. */
export class MissingRuntime extends OciRuntime {
  readonly problem: Error;

  constructor(problem: Error, stateRoot: string) {
    super('none', '', join(stateRoot, 'none'));
    this.problem = problem;
  }

  override assertUsable(): void {
    throw this.problem;
  }

  override delete(): Promise<void> {
    return Promise.resolve();
  }

  override status(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

const choiceSchema = z.object({ key: z.string(), name: z.string(), path: z.string(), cgroups: z.boolean().default(true) });
const CANDIDATES = ['crun', 'runc'];

export interface RuntimeWish {
  readonly dataRoot: string;
  readonly stateRoot: string;
  readonly cgroups: CgroupFacts;
  readonly log: Log;
  /** The only one to be taken. */
  readonly only?: string;
}

/**
 * The OCI runtime of this host: the first of crun and runc that really runs a container here (without control groups where we may make none), else a
 * MissingRuntime. The answer is remembered in `<dataRoot>/runtime.json` for these binaries, this kernel and these cgroup mounts.
 */
export async function chooseRuntime({ dataRoot, stateRoot, cgroups: { layout, usable, parent }, log, only }: RuntimeWish): Promise<OciRuntime> {
  const wanted = only === undefined ? CANDIDATES : CANDIDATES.filter((name) => name === only);
  const found = (await Promise.all(wanted.map(locateTool))).flatMap((one) => one ?? []);
  const key = [release(), layout, usable ? 'cgroups' : 'no cgroups', inUserNamespace() ? 'rootless' : 'root', ...found.map(({ path, mtime }) => `${path}@${mtime}`)].join(' ');
  const file = join(dataRoot, 'runtime.json');
  const known = await remembered(file, key);
  if (known) return new OciRuntime(known.name, known.path, join(stateRoot, known.name), known.cgroups);
  const failures: string[] = [];
  for (const { name, path, cgroups } of attempts(found, usable)) {
    const runtime = new OciRuntime(name, path, join(stateRoot, name), cgroups);
    const failure = await smokeRun(runtime, parent);
    if (failure === undefined) {
      await writeFileAtomic(file, `${JSON.stringify({ key, name, path, cgroups }, null, 2)}\n`);
      return runtime;
    }
    failures.push(`${name}: ${failure}`);
    log.info('an OCI runtime does not work here', { runtime: name, cgroups, failure });
  }
  const problem = found.length > 0 ? noUsableRuntime({ detail: failures.join('; ') }) : hostToolMissing({ tool: only ?? CANDIDATES.join(' or '), hint: 'Run berth doctor --fix to install what Berth needs.' });
  log.warn('containers cannot run on this host yet', { problem });
  return new MissingRuntime(problem, stateRoot);
}

type Candidate = NonNullable<Awaited<ReturnType<typeof locateTool>>>;

/** Cgroups that were delegated to an ordinary user may still not be what a runtime wants: then without. */
function attempts(found: readonly Candidate[], usable: boolean): Array<Candidate & { readonly cgroups: boolean }> {
  const ways = usable && inUserNamespace() ? [true, false] : [usable];
  return ways.flatMap((cgroups) => found.map((one) => ({ ...one, cgroups })));
}

/** Runs `true` from the host's own files in a container; `undefined` when that works, else why not. */
export async function smokeRun(runtime: OciRuntime, cgroupParent: string): Promise<string | undefined> {
  await runtime.prepare();
  const bundle = `${runtime.root}-smoke`;
  const id = 'smoke';
  try {
    await removeSmoke(runtime, id, bundle); // of an engine that was killed in the middle
    await mkdir(bundle, { recursive: true, mode: 0o700 });
    await mkdir(join(bundle, 'rootfs'), { mode: 0o755 });
    const rootfs = await realpath(join(bundle, 'rootfs')); // runc refuses links on the way, as /run is full of in an ordinary user's namespace
    const mounts = await hostTools(rootfs);
    await writeBundle(bundle, buildSpec({ rootfs, cgroupsPath: `${cgroupParent}/${id}`, cgroups: runtime.cgroups, args: ['true'], env: ['PATH=/usr/local/bin:/usr/bin:/bin'], mounts }));
    const log = join(bundle, 'log');
    const status = await statusOf(runtime.spawnRun(id, bundle, log, ['ignore', 'ignore', 'ignore']));
    return status === 0 ? undefined : (await readFile(log, 'utf8').catch(() => '')).trim().slice(-500) || `status ${status}`;
  } catch (error) {
    return String(error);
  } finally {
    await removeSmoke(runtime, id, bundle);
  }
}

async function removeSmoke(runtime: OciRuntime, id: string, bundle: string): Promise<void> {
  await runtime.delete(id).catch(() => undefined);
  await rm(bundle, { recursive: true, force: true });
}

async function hostTools(rootfs: string): Promise<OciMount[]> {
  const mounts: OciMount[] = [];
  for (const folder of ['/usr', '/bin', '/lib', '/lib64']) {
    const info = await lstat(folder).catch(() => undefined);
    if (info?.isSymbolicLink()) await symlink(await readlink(folder), join(rootfs, folder));
    else if (info) mounts.push({ destination: folder, type: 'bind', source: folder, options: ['rbind', 'ro'] });
  }
  return mounts;
}

/** Where a program is, on PATH or where system tools are. */
export async function locateTool(name: string): Promise<{ name: string; path: string; mtime: number } | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const path = join(folder, name);
    const info = folder === '' ? undefined : await stat(path).catch(() => undefined);
    if (info?.isFile() && (info.mode & 0o111) !== 0) return { name, path, mtime: info.mtimeMs };
  }
  return undefined;
}

async function remembered(file: string, key: string): Promise<z.infer<typeof choiceSchema> | undefined> {
  try {
    const choice = choiceSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return choice.key === key ? choice : undefined;
  } catch {
    return undefined; // absent or damaged: the smoke run decides again
  }
}
