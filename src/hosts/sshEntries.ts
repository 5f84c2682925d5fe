import { z } from 'zod';
import type { EngineLauncher } from './engineLauncher.ts';

/** The SSH configuration could not be written, or has no entry for a container. */
export class SshConfigFailed extends Error {
  override readonly name = 'SshConfigFailed';
}

/** Makes dev containers known to SSH. */
export interface SshEntries {
  /** Makes sure that the configuration has an entry for this container, and returns its alias. Throws SshConfigFailed. */
  ensure(containerId: string, host?: string): Promise<string>;
}

/** The items of `berth ssh-config --json`, as far as we need them. */
const entriesSchema = z.array(z.looseObject({ alias: z.string(), containerId: z.string() }));

/** By the command line, which keeps one included file up to date and says under which names. */
export class CommandLineSshEntries implements SshEntries {
  readonly #launcher: Pick<EngineLauncher, 'run'>;

  constructor(launcher: Pick<EngineLauncher, 'run'>) {
    this.#launcher = launcher;
  }

  async ensure(containerId: string, host?: string): Promise<string> {
    const { status, stdout, stderr } = await this.#launcher.run([...(host === undefined ? [] : ['--host', host]), 'ssh-config', '--json']);
    if (status !== 0) throw new SshConfigFailed(stderr.trim().split('\n').at(-1) ?? `status ${status}`);
    const entry = entriesSchema.parse(JSON.parse(stdout)).find((one) => one.containerId === containerId);
    if (!entry) throw new SshConfigFailed(`there is no entry for the container ${containerId.slice(0, 12)}`);
    return entry.alias;
  }
}
