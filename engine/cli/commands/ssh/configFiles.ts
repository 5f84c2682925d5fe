import { chmod, chown, mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '../../../base/atomicFile.ts';
import { systemCode } from '../../../base/errors.ts';
import { generateSshKey } from '../../../base/sshKey.ts';
import { withInclude, withoutInclude } from './configText.ts';

const NEW_CONFIG_MODE = 0o600;

/** Our files in the user's folder for SSH, all for the user only. */
export class SshFiles {
  /** `~/.ssh`, or BERTH_SSH_FOLDER. */
  readonly #folder: string;

  constructor(env: NodeJS.ProcessEnv) {
    this.#folder = env['BERTH_SSH_FOLDER'] ?? join(env['HOME'] ?? homedir(), '.ssh');
  }

  get own(): string {
    return join(this.#folder, 'berth');
  }

  get config(): string {
    return join(this.own, 'config');
  }

  knownHosts(section: string): string {
    return join(this.own, `known_hosts.${section}`);
  }

  key(section: string, id: string): string {
    return join(this.own, 'keys', `${section}-${id.slice(0, 24)}`);
  }

  async readConfig(): Promise<string> {
    return readText(this.config);
  }

  async write(path: string, text: string): Promise<void> {
    if ((await readText(path)) === text) return;
    await this.#prepare();
    await writeFileAtomic(path, text);
  }

  /** The public key of the client key in a file; makes one when there is none. */
  async publicKey(path: string, comment: string): Promise<string> {
    const known = await readText(`${path}.pub`);
    if (known !== '' && (await readText(path)) !== '') return known.trim();
    await this.#prepare();
    const { privateKey, publicKey } = generateSshKey(comment);
    await writeFileAtomic(path, privateKey);
    await writeFileAtomic(`${path}.pub`, `${publicKey}\n`);
    return publicKey;
  }

  /** Adds our Include to the user's own configuration, or takes it away; the rest stays as it is, its mode and owner too. */
  async setIncluded(included: boolean): Promise<void> {
    const path = await realpath(join(this.#folder, 'config')).catch(() => join(this.#folder, 'config'));
    const before = await readText(path);
    const after = included ? withInclude(before, this.#included) : withoutInclude(before, this.#included);
    if (after === before) return;
    const info = await stat(path).catch(() => undefined);
    if (!info) await this.#prepare();
    await writeFileAtomic(path, after, info ? info.mode & 0o777 : NEW_CONFIG_MODE);
    if (!info) return;
    await chmod(path, info.mode & 0o777);
    if (process.platform !== 'win32') await chown(path, info.uid, info.gid);
  }

  async remove(): Promise<void> {
    await this.setIncluded(false);
    await rm(this.own, { recursive: true, force: true });
  }

  /** As people would write it, so that the file can be shared between machines. */
  get #included(): string {
    return basename(this.#folder) === '.ssh' ? '~/.ssh/berth/config' : this.config;
  }

  async #prepare(): Promise<void> {
    await mkdir(join(this.own, 'keys'), { recursive: true, mode: 0o700 });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}
