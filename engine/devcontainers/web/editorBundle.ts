import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../base/atomicFile.ts';
import { CleanupStack } from '../../base/cleanup.ts';
import { shortRandom } from '../../base/ids.ts';
import { KeyedMutex } from '../../base/keyedMutex.ts';
import { run } from '../../host/process.ts';
import { step } from '../tell.ts';
import type { Tell } from '../tell.ts';
import { programIn } from './editorProgram.ts';
import type { EditorProgram } from './editorProgram.ts';
import { bringArchiveNode } from './install/archiveNode.ts';
import { copyServer } from './install/copyServer.ts';
import { fetchServer } from './install/fetchServer.ts';
import { bringLibraries } from './install/libraries.ts';
import { editorRelease } from './install/release.ts';

const STAMP = 'bundle.json';

/**
 * The editor's server on this host, for all dev containers: `editor/<version>/` with `bin/node`, `server/` and, where the engine was carried
 * here or patchelf can tie them together, `lib/` with the libraries that Node needs. Made once, whole or not at all.
 */
export class EditorBundle {
  /** What dev containers mount; it is there even when nothing is installed yet. */
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #mutex = new KeyedMutex();

  constructor(dataRoot: string, env: NodeJS.ProcessEnv) {
    this.folder = join(dataRoot, 'editor');
    this.#env = env;
  }

  /** Makes the folder, and clears what an installation that was cut short left. */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o755 });
    for (const name of await readdir(this.folder)) if (/^\.(new|old)-/.test(name)) await rm(join(this.folder, name), { recursive: true, force: true });
  }

  /** Where it is inside; installs it first if need be. Throws EDITOR_NPM_MISSING, EDITOR_INSTALL_FAILED, EDITOR_SOURCE_INVALID. */
  ensure(tell: Tell, signal: AbortSignal): Promise<EditorProgram> {
    return this.#mutex.run('install', async () => {
      if (!(await this.#isInstalled())) await this.#install(tell, signal);
      return programIn(editorRelease.version);
    });
  }

  /** Installs it; with `force` anew, in the place of one that may be in use: what runs goes on with the files it has open. */
  install(force: boolean, tell: Tell, signal: AbortSignal): Promise<{ version: string; folder: string }> {
    return this.#mutex.run('install', async () => {
      if (force || !(await this.#isInstalled())) await this.#install(tell, signal);
      return { version: editorRelease.version, folder: this.#path };
    });
  }

  get #path(): string {
    return join(this.folder, editorRelease.version);
  }

  #isInstalled(): Promise<boolean> {
    return stat(join(this.#path, STAMP)).then(
      () => true,
      () => false,
    );
  }

  async #install(tell: Tell, signal: AbortSignal): Promise<void> {
    const source = this.#env['BERTH_EDITOR_SERVER'];
    await using cleanup = new CleanupStack();
    const fresh = join(this.folder, `.new-${shortRandom(6)}`);
    cleanup.defer(() => rm(fresh, { recursive: true, force: true }));
    await step(tell, 'editorInstall', source === undefined ? "Installing the editor's server from npm, once for all dev containers (about a minute)" : `Copying the editor's server from ${source}`, async () => {
      await mkdir(join(fresh, 'bin'), { recursive: true, mode: 0o755 });
      if (source === undefined) await fetchServer(fresh, this.#env, tell, signal);
      else await copyServer(source, fresh, signal);
      const libraries = (await bringArchiveNode(fresh)) || (await bringLibraries(fresh, signal));
      await writeFile(join(fresh, STAMP), `${JSON.stringify({ ...editorRelease, libraries }, null, 2)}\n`);
      await run('chmod', ['-R', 'a+rX', fresh]); // whatever the umask: remote users read it
      await this.#replace(fresh);
    });
  }

  async #replace(fresh: string): Promise<void> {
    const old = join(this.folder, `.old-${shortRandom(6)}`);
    await rename(this.#path, old).catch(() => undefined); // there is none
    await rename(fresh, this.#path);
    await syncFolder(this.folder);
    await rm(old, { recursive: true, force: true });
  }
}
