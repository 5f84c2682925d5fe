import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { engineSocketPath } from './socketPath.ts';

/** The settings, as they are now. All belong to the machine: none can come from a folder that was merely opened. */
export class Settings {
  readonly #extensionPath: string;

  constructor(extensionPath: string) {
    this.#extensionPath = extensionPath;
  }

  readonly socketPath = (): string => engineSocketPath(this.#get('socketPath'), process.env, process.getuid?.() ?? -1);

  nodePath(): string {
    return this.#get('node.path');
  }

  enginePath(): string {
    return this.#get('engine.path').trim() || join(this.#extensionPath, 'dist', 'berth.cjs');
  }

  /** Where the engine's archives for remote hosts are; empty: beside the engine. */
  engineArchives(): string {
    return this.#get('engine.archives').trim().replace(/^~(?=\/)/, homedir());
  }

  /** Whether ports that programs begin to listen on are told and opened. */
  readonly announcesPorts = (): boolean => vscode.workspace.getConfiguration('berth').get<boolean>('ports.autoForward', true);

  onSocketPath(listener: () => void): vscode.Disposable {
    return vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('berth.socketPath')) listener();
    });
  }

  #get(name: string): string {
    return vscode.workspace.getConfiguration('berth').get<string>(name, '');
  }
}
