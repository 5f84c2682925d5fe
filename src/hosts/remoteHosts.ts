import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import { Emitter } from '../base/emitter.ts';
import { FileAppearance } from '../base/fileAppearance.ts';
import { parseHosts } from '../model/remoteHosts.ts';
import type { RemoteHost } from '../model/remoteHosts.ts';
import type { EngineLauncher } from './engineLauncher.ts';

const upResultSchema = z.looseObject({ outcome: z.string(), containerId: z.string().optional(), remoteWorkspaceFolder: z.string().optional(), message: z.string().optional() });

/** The command line said that it did not work, and why. */
export class HostCommandFailed extends Error {
  override readonly name = 'HostCommandFailed';
}

export interface RemoteDevContainer {
  readonly containerId: string;
  readonly folder: string;
}

/**
 * The user's remote hosts, by the command line, which keeps the list and the connections. This file is all that the extension knows of its
 * words. What may ask something (passwords, unknown host keys) runs in a terminal.
 */
export class RemoteHosts implements vscode.Disposable {
  readonly #launcher: Pick<EngineLauncher, 'run' | 'commandLine'>;
  readonly #onProblem: (error: unknown) => void;
  readonly #changes = new Emitter<void>();
  readonly #watching: FileAppearance;
  readonly #terminals: vscode.Disposable;
  readonly #ours = new Set<vscode.Terminal>();
  #hosts: readonly RemoteHost[] = [];

  readonly onChange = (listener: () => void) => this.#changes.on(listener);

  constructor(launcher: Pick<EngineLauncher, 'run' | 'commandLine'>, onProblem: (error: unknown) => void) {
    this.#launcher = launcher;
    this.#onProblem = onProblem;
    this.#watching = new FileAppearance(join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'berth', 'hosts.json'), () => void this.refresh());
    this.#terminals = vscode.window.onDidCloseTerminal((terminal) => {
      if (this.#ours.delete(terminal)) void this.refresh();
    });
  }

  all(): readonly RemoteHost[] {
    return this.#hosts;
  }

  get(name: string): RemoteHost | undefined {
    return this.#hosts.find((host) => host.name === name);
  }

  /** Reads the list again: when the view shows, when the list's file changes, after our own commands. */
  async refresh(): Promise<void> {
    try {
      const { status, stdout, stderr } = await this.#launcher.run(['host', 'list', '--json']);
      if (status !== 0) throw new HostCommandFailed(lastLine(stderr));
      this.#hosts = parseHosts(stdout);
    } catch (error) {
      this.#onProblem(error);
      this.#hosts = [];
    }
    this.#changes.fire();
  }

  /** Adds a host and connects to it, which installs the engine there the first time. */
  async add(url: string): Promise<void> {
    const name = (await this.#run(['host', 'add', url])).trim();
    await this.connect(name);
  }

  connect(name: string): Promise<void> {
    return this.#inTerminal(name, ['host', 'connect', name]);
  }

  async disconnect(name: string): Promise<void> {
    await this.#run(['host', 'disconnect', name]);
  }

  async remove(name: string): Promise<void> {
    await this.#run(['host', 'rm', name]);
  }

  /** Brings the dev container of a folder on the host up. */
  async up(name: string, folder: string): Promise<RemoteDevContainer> {
    const result = await this.#launcher.run(['--host', name, 'up', folder], { timeoutMs: 0 });
    const up = upResultSchema.safeParse(parseJson(result.stdout));
    if (!up.success || up.data.outcome !== 'success') throw new HostCommandFailed(up.data?.message ?? lastLine(result.stderr));
    return { containerId: up.data.containerId ?? '', folder: up.data.remoteWorkspaceFolder ?? '/' };
  }

  dispose(): void {
    this.#watching.dispose();
    this.#terminals.dispose();
  }

  async #run(args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#launcher.run(args);
    await this.refresh();
    if (status !== 0) throw new HostCommandFailed(lastLine(stderr));
    return stdout;
  }

  async #inTerminal(name: string, args: readonly string[]): Promise<void> {
    const command = await this.#launcher.commandLine(args);
    const env = Object.fromEntries(Object.entries(command.env).map(([key, value]) => [key, value ?? null]));
    const terminal = vscode.window.createTerminal({ name, shellPath: command.program, shellArgs: command.args, env, iconPath: new vscode.ThemeIcon('remote') });
    this.#ours.add(terminal);
    terminal.show();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
