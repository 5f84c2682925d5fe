import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import { devContainerSchema } from '../../engine/api/berth/devcontainer.ts';
import { Emitter } from '../base/emitter.ts';
import { FileAppearance } from '../base/fileAppearance.ts';
import { remoteHostSchema } from '../model/remoteHosts.ts';
import type { RemoteHost } from '../model/remoteHosts.ts';
import type { EngineLauncher } from './engineLauncher.ts';

const upResultSchema = z.looseObject({ outcome: z.string(), containerId: z.string().optional(), remoteWorkspaceFolder: z.string().optional(), message: z.string().optional() });

/** The command line said that it did not work, and why. */
export class HostCommandFailed extends Error {
  override readonly name = 'HostCommandFailed';
}

export interface RemoteDevContainer {
  readonly containerName: string;
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
      this.#hosts = z.array(remoteHostSchema).parse(JSON.parse(stdout));
    } catch (error) {
      this.#onProblem(error);
      this.#hosts = [];
    }
    this.#changes.fire();
  }

  add(url: string): Promise<void> {
    return this.#inTerminal(vscode.l10n.t('Add Host'), ['host', 'add', url]);
  }

  connect(name: string): Promise<void> {
    return this.#inTerminal(name, ['--host', name, 'version']);
  }

  disconnect(name: string): Promise<void> {
    return this.#run(['host', 'disconnect', name]);
  }

  remove(name: string): Promise<void> {
    return this.#run(['host', 'rm', name]);
  }

  /** Brings the dev container of a folder on the host up. */
  async up(name: string, folder: string): Promise<RemoteDevContainer> {
    const result = await this.#launcher.run(['--host', name, 'up', folder], { timeoutMs: 0 });
    const up = upResultSchema.safeParse(parseJson(result.stdout));
    if (!up.success || up.data.outcome !== 'success') throw new HostCommandFailed(up.data?.message ?? lastLine(result.stderr));
    const list = await this.#launcher.run(['--host', name, 'list', '--json']);
    const found = z.array(devContainerSchema).parse(parseJson(list.stdout)).find((one) => one.containerId === up.data.containerId);
    if (!found) throw new HostCommandFailed(lastLine(list.stderr));
    return { containerName: found.name, folder: up.data.remoteWorkspaceFolder ?? '/' };
  }

  dispose(): void {
    this.#watching.dispose();
    this.#terminals.dispose();
  }

  async #run(args: readonly string[]): Promise<void> {
    const { status, stderr } = await this.#launcher.run(args);
    await this.refresh();
    if (status !== 0) throw new HostCommandFailed(lastLine(stderr));
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
