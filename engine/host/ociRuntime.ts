import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { existsSync } from 'node:fs';
import type { Launched, LaunchOptions } from './launch.ts';
import { defineError, hostToolMissing } from '../base/errors.ts';
import type { OciResources } from './ociTypes.ts';
import { launch, run } from './process.ts';

export const runtimeFailed = defineError<{ runtime: string; detail: string }>('RUNTIME_FAILED', 500, (p) => `OCI runtime ${p.runtime} failed: ${p.detail}`);

export type OciStatus = 'creating' | 'created' | 'running' | 'stopped' | 'paused';

/** crun or runc, with a state folder of its own (`--root`). */
export class OciRuntime {
  readonly name: string;
  readonly path: string;
  readonly root: string;
  /** Whether containers get control groups; without them nothing can be limited, measured or frozen. */
  readonly cgroups: boolean;

  constructor(name: string, path: string, root: string, cgroups = true) {
    this.name = name;
    this.path = path;
    this.root = root;
    this.cgroups = cgroups;
  }

  /** What comes before every command. Without being told, runc believes $USER on whether it may use control groups. */
  get globalArgs(): readonly string[] {
    return [...(this.cgroups ? [] : [this.name === 'crun' ? '--cgroup-manager=disabled' : '--rootless=true']), '--root', this.root];
  }

  async prepare(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
  }

  /** Throws when no container can be run with it. */
  assertUsable(): void {
    // crun and runc that passed the smoke run are usable, unless they are gone.
    if (this.path.includes('/') && !existsSync(this.path)) throw hostToolMissing({ tool: this.name, hint: 'Run berth doctor --fix to install what Berth needs.' });
  }

  /** Lets a created container's process run; it has become the container's own program when this resolves. */
  async start(id: string, pid: number): Promise<void> {
    await this.#run(['start', id]);
    // runc returns while its init is still there, which takes a signal to stop the container for one to itself and ends with status 2.
    if (this.name === 'runc') for (const end = Date.now() + PATIENCE_MS; (await isInit(pid)) && Date.now() < end; ) await delay(1);
  }

  /** Removes what the runtime keeps of a container, killing what still runs. Fine if there is nothing. */
  async delete(id: string): Promise<void> {
    if (!existsSync(join(this.root, id))) return; // what it would look in
    await this.#run(['delete', '--force', id]).catch((error: unknown) => {
      if (!/does not exist|No such file|container not running/i.test(String(error))) throw error;
    });
  }

  async pause(id: string): Promise<void> {
    await this.#run(['pause', id]);
  }

  async resume(id: string): Promise<void> {
    await this.#run(['resume', id]);
  }

  /** What the runtime knows of a container; `undefined` if nothing. */
  async status(id: string): Promise<OciStatus | undefined> {
    const { status, stdout } = await run(this.path, [...this.globalArgs, 'state', id], { okStatus: 'any' });
    return status === 0 ? (JSON.parse(stdout) as { status: OciStatus }).status : undefined;
  }

  /** Whether its own files show that a container was started and not deleted; false: it has to be asked. */
  async showsStarted(id: string): Promise<boolean> {
    const files = await readdir(join(this.root, id)).catch((): string[] => []);
    return (files.includes('status') || files.includes('state.json')) && !files.includes('exec.fifo');
  }

  /** Changes limits of a running container. */
  async update(id: string, bundle: string, resources: OciResources): Promise<void> {
    const file = join(bundle, 'resources.json'); // not by standard input: crun opens /dev/stdin, which a socket does not allow
    await writeFile(file, JSON.stringify(resources), { mode: 0o600 });
    await this.#run(['update', '--resources', file, id]);
  }

  /** Runs a bundle to its end, attached to `stdio`. The caller owns the process. Failures of the runtime itself go to `logPath`. */
  spawnRun(id: string, bundle: string, logPath: string, stdio: LaunchOptions['stdio']): Launched {
    return launch(this.path, [...this.globalArgs, '--log', logPath, 'run', '--bundle', bundle, id], { stdio, cwd: bundle });
  }

  /** Runs a further process in a container. With `detached` it goes on when the engine ends. */
  spawnExec(id: string, files: { readonly process: string; readonly pid: string; readonly log: string }, stdio: LaunchOptions['stdio'], detached: boolean): Launched {
    return launch(this.path, [...this.globalArgs, '--log', files.log, 'exec', '--process', files.process, '--pid-file', files.pid, id], { stdio, detached });
  }

  async #run(args: readonly string[]): Promise<void> {
    try {
      await run(this.path, [...this.globalArgs, ...args]);
    } catch (error) {
      throw runtimeFailed({ runtime: this.name, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
    }
  }
}

const PATIENCE_MS = 2000;

async function isInit(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).startsWith('runc:[');
}

/** Writes a bundle's config.json and returns its folder. */
export async function writeBundle(folder: string, spec: unknown): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'config.json'), specText(spec), { mode: 0o600 });
}

/** A specification, or the process part of one, as JSON for the runtime. */
export function specText(spec: unknown): string {
  return JSON.stringify(spec).replaceAll(/"(hard|soft)":-1\b/g, '"$1":18446744073709551615');
}

/** The runtime's own words from its log: text or JSON lines, the last one counts. */
export function runtimeMessage(log: string): string {
  const last = log.trim().split('\n').filter((line) => line !== '').at(-1) ?? '';
  const json = /"msg":"((?:[^"\\]|\\.)*)"/.exec(last)?.[1];
  const text = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1];
  const quoted = json ?? text;
  return quoted === undefined ? last.replace(/^\S+T\S+Z:?\s*/, '') : (JSON.parse(`"${quoted}"`) as string);
}
