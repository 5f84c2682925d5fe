import { homedir } from 'node:os';
import { join } from 'node:path';
import type { LinkForwarded, LinkStatus } from '../../engine/api/berth/link.ts';
import { Emitter } from '../base/emitter.ts';
import type { Disposable } from '../base/emitter.ts';
import { FileAppearance } from '../base/fileAppearance.ts';
import { lastLine, parseHosts, withLink } from '../model/remoteHosts.ts';
import type { ListedHost, RemoteHost } from '../model/remoteHosts.ts';
import type { EngineLauncher } from './engineLauncher.ts';
import { HostLink } from './hostLink.ts';
import type { Ask } from './hostLink.ts';

/** The command line said that it did not work, and why. */
export class HostCommandFailed extends Error {
  override readonly name = 'HostCommandFailed';
}

/** `list`: which hosts there are changed. `item`: how one is. */
export type HostChange = { readonly kind: 'list' } | { readonly kind: 'item'; readonly name: string };

type Launcher = Pick<EngineLauncher, 'run' | 'startLink'>;

/**
 * The user's remote hosts. The command line keeps the list, this file is all that the extension knows of its words; how each host is, its link
 * tells, whoever started that.
 */
export class RemoteHosts implements Disposable {
  readonly #launcher: Launcher;
  readonly #onProblem: (error: unknown) => void;
  readonly #changes = new Emitter<HostChange>();
  readonly #watching: FileAppearance;
  readonly #links = new Map<string, { readonly link: HostLink; readonly controlPath: string; status: LinkStatus | undefined }>();
  #hosts: readonly ListedHost[] = [];

  readonly onChange = (listener: (change: HostChange) => void): Disposable => this.#changes.on(listener);

  constructor(launcher: Launcher, onProblem: (error: unknown) => void) {
    this.#launcher = launcher;
    this.#onProblem = onProblem;
    this.#watching = new FileAppearance(join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'berth', 'hosts.json'), () => void this.refresh());
  }

  all(): readonly RemoteHost[] {
    return this.#hosts.map((host) => withLink(host, this.#links.get(host.name)?.status));
  }

  get(name: string): RemoteHost | undefined {
    return this.all().find((host) => host.name === name);
  }

  /** Reads the list again: at the start, when its file changes, after our own commands. */
  async refresh(): Promise<void> {
    try {
      const { status, stdout, stderr } = await this.#launcher.run(['host', 'list', '--json']);
      if (status !== 0) throw new HostCommandFailed(lastLine(stderr));
      this.#hosts = parseHosts(stdout);
    } catch (error) {
      this.#onProblem(error);
      this.#hosts = [];
    }
    this.#followLinks();
    this.#changes.fire({ kind: 'list' });
  }

  /** Adds a host and returns what it is called. Nothing is contacted yet. */
  async add(url: string): Promise<string> {
    return (await this.#run(['host', 'add', url])).trim();
  }

  /** Connects, which installs the engine there the first time. Throws ApiError with the code of what stands in the way. */
  async connect(name: string, ask: Ask, tell: (status: LinkStatus) => void, signal: AbortSignal): Promise<void> {
    await this.#linkOf(name).connect(ask, tell, signal);
  }

  /** See `HostLink.forward`. */
  forward(name: string, port: number, path: string): Promise<LinkForwarded> {
    return this.#linkOf(name).forward(port, path);
  }

  async disconnect(name: string): Promise<void> {
    await this.#run(['host', 'disconnect', name]);
  }

  async remove(name: string): Promise<void> {
    await this.#run(['host', 'rm', name]);
  }

  dispose(): void {
    this.#watching.dispose();
    for (const { link } of this.#links.values()) link.dispose();
  }

  #linkOf(name: string): HostLink {
    const found = this.#links.get(name);
    if (!found) throw new HostCommandFailed(`There is no host ${name}`);
    return found.link;
  }

  #followLinks(): void {
    for (const [name, { link, controlPath }] of this.#links) {
      if (this.#hosts.some((host) => host.name === name && host.controlPath === controlPath)) continue;
      link.dispose();
      this.#links.delete(name);
    }
    for (const { name, controlPath } of this.#hosts) if (!this.#links.has(name)) this.#follow(name, controlPath);
  }

  #follow(name: string, controlPath: string): void {
    const start = (): Promise<void> => this.#launcher.startLink(name);
    const onStatus = (status: LinkStatus | undefined): void => {
      const found = this.#links.get(name);
      if (!found || found.link !== link) return;
      found.status = status;
      this.#changes.fire({ kind: 'item', name });
    };
    const link: HostLink = new HostLink({ name, controlPath, start, onStatus, onProblem: this.#onProblem });
    this.#links.set(name, { link, controlPath, status: undefined });
  }

  async #run(args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#launcher.run(args);
    await this.refresh();
    if (status !== 0) throw new HostCommandFailed(lastLine(stderr));
    return stdout;
  }
}
