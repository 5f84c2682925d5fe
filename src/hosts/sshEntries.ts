import { sshAlias } from '../model/place.ts';
import type { EngineLauncher } from './engineLauncher.ts';

/** The SSH configuration could not be written. */
export class SshConfigFailed extends Error {
  override readonly name = 'SshConfigFailed';
}

/** Makes dev containers known to SSH. */
export interface SshEntries {
  /** Makes sure that the configuration has an entry for this container, and returns its alias. Throws SshConfigFailed. */
  ensure(containerName: string, host?: string): Promise<string>;
}

/** By the command line, which keeps one included file up to date. */
export class CommandLineSshEntries implements SshEntries {
  readonly #launcher: Pick<EngineLauncher, 'run'>;

  constructor(launcher: Pick<EngineLauncher, 'run'>) {
    this.#launcher = launcher;
  }

  async ensure(containerName: string, host?: string): Promise<string> {
    const { status, stderr } = await this.#launcher.run([...(host === undefined ? [] : ['--host', host]), 'ssh-config', '--write']);
    if (status !== 0) throw new SshConfigFailed(stderr.trim().split('\n').at(-1) ?? `status ${status}`);
    return sshAlias(containerName, host);
  }
}
