import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import type { Log } from '../../base/log.ts';
import { realHostView } from '../probeView.ts';
import { run } from '../process.ts';
import { profileMissing, profileNotLoaded } from './errors.ts';
import { DEFAULT_PROFILE, UNCONFINED, profileText } from './profile.ts';
import { loadedProfiles, readState } from './state.ts';
import type { AppArmorHost, AppArmorState } from './state.ts';

export interface AppArmorOptions {
  readonly runRoot: string;
  /** An engine without root may neither see nor load profiles. */
  readonly rootless: boolean;
  readonly log: Log;
  /** Default: this one. */
  readonly host?: AppArmorHost;
  /** Hands a profile over to the kernel. Default: by the host's own program. */
  readonly load?: (parser: string, text: string) => Promise<void>;
}

/** The confinement of containers by AppArmor, where the kernel has it. */
export class AppArmor {
  readonly #options: Required<AppArmorOptions>;
  readonly #state: AppArmorState;
  readonly #current: Promise<void>;
  #loading: Promise<void> | undefined;

  /** Begins to load the default profile where the kernel has none, or that of another version of Berth: no container's start has to wait for it later. */
  static async open(options: AppArmorOptions): Promise<AppArmor> {
    const all = { host: realHostView(), load: loadProfile, ...options };
    return new AppArmor(all, options.rootless ? { kernel: false, abi: false } : await readState(all.host));
  }

  private constructor(options: Required<AppArmorOptions>, state: AppArmorState) {
    this.#options = options;
    this.#state = state;
    this.#current = (this.confines ? this.#keepCurrent() : Promise.resolve()).catch((error: unknown) => options.log.error('the AppArmor profile of containers could not be loaded', { error }));
  }

  /** The kernel can confine containers. */
  get enabled(): boolean {
    return this.#state.kernel;
  }

  /** Containers that say nothing of it are confined. */
  get confines(): boolean {
    return this.#state.kernel && this.#state.parser !== undefined;
  }

  /**
   * The profile for a container that is about to start, loaded; `undefined`: none, because there is no AppArmor. As Docker has it, a privileged one is confined only
   * by what it names. Throws APPARMOR_PROFILE_MISSING, APPARMOR_LOAD_FAILED.
   */
  async profileFor({ asked, privileged }: { readonly asked?: string; readonly privileged: boolean }): Promise<string | undefined> {
    if (!this.enabled) return undefined;
    const name = asked || (privileged ? UNCONFINED : this.confines ? DEFAULT_PROFILE : '');
    if (name === '' || name === UNCONFINED) return name || undefined;
    await this.#current;
    if ((await loadedProfiles(this.#options.host)).has(name)) return name;
    if (name !== DEFAULT_PROFILE || !this.confines) throw profileMissing({ profile: name });
    await this.#load(await this.#text()); // it was there: updates of the system's own profiles may take ours away
    return name;
  }

  /** The kernel keeps profiles until it is told otherwise or ends: what this runtime root (which goes with the kernel, too) loaded is written there. */
  async #keepCurrent(): Promise<void> {
    const text = await this.#text();
    const digest = createHash('sha256').update(text).digest('hex');
    const note = join(this.#options.runRoot, 'apparmor');
    const [loaded, noted] = await Promise.all([loadedProfiles(this.#options.host), readFile(note, 'utf8').catch(() => '')]);
    if (loaded.has(DEFAULT_PROFILE) && noted === digest) return;
    await this.#load(text);
    await writeFileAtomic(note, digest);
  }

  async #text(): Promise<string> {
    const own = ((await this.#options.host.read('/proc/self/attr/current')) ?? '').replace(/ \([a-z]+\)\s*$|\0?\s*$/, '');
    return profileText({ engine: own || UNCONFINED, abi: this.#state.abi });
  }

  /** Once for all who want it at this moment. */
  #load(text: string): Promise<void> {
    this.#loading ??= this.#options.load(this.#state.parser ?? '', text).finally(() => (this.#loading = undefined));
    return this.#loading;
  }
}

async function loadProfile(parser: string, text: string): Promise<void> {
  try {
    await run(parser, ['--replace', '--skip-cache', '--quiet'], { input: text, cwd: '/' });
  } catch (error) {
    throw profileNotLoaded({ detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}
