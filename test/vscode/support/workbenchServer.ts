import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../../engine/host/process.ts';
import { serverEntry } from './installed.ts';

/** Nothing leaves the machine, nothing moves by itself, nothing asks. */
const quietSettings = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'editor.minimap.enabled': false,
  'git.enabled': false,
  // Schemas come from the net.
  'json.validate.enable': false,
  'npm.autoDetect': 'off',
  'typescript.disableAutomaticTypeAcquisition': true,
  'window.restoreWindows': 'none',
  'remote.autoForwardPorts': false,
  'terminal.integrated.defaultProfile.linux': 'bash',
  'terminal.integrated.gpuAcceleration': 'off',
};

export interface WorkbenchOptions {
  /** Added to the environment that the extension host inherits. */
  readonly env: NodeJS.ProcessEnv;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Packages to install first. */
  readonly vsix?: readonly string[];
  /** Ask for trust in folders, as editors do; default: every folder is trusted. */
  readonly workspaceTrust?: boolean;
  readonly serverArgs?: readonly string[];
  /** The user who runs it, with the group of the same number; default: this one. */
  readonly uid?: number;
  /** `keybindings.json` of the user. */
  readonly keybindings?: ReadonlyArray<{ key: string; command: string }>;
}

/** VS Code's server in folders of its own; ends with its whole process group. */
export class WorkbenchServer {
  readonly port: number;
  readonly #root: string;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(root: string, port: number, child: ChildProcess) {
    this.#root = root;
    this.port = port;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  static async start(options: WorkbenchOptions): Promise<WorkbenchServer> {
    if (!existsSync(serverEntry)) throw new Error('The workbench is not installed: node scripts/workbench.mjs');
    const root = await mkdtemp(join(tmpdir(), 'berth-workbench-'));
    try {
      await writeSettings(root, { ...quietSettings, ...options.settings });
      if (options.keybindings) await writeFile(join(root, 'srv', 'data', 'User', 'keybindings.json'), JSON.stringify(options.keybindings));
      const env = await environment(root, options.env);
      if (options.uid !== undefined) await run('chown', ['-R', `${options.uid}:${options.uid}`, root]);
      const user = { uid: options.uid, gid: options.uid };
      const dirs = ['--server-data-dir', join(root, 'srv'), '--extensions-dir', join(root, 'ext')];
      for (const vsix of options.vsix ?? []) await installExtension([serverEntry, ...dirs, '--install-extension', vsix], { env, ...user });
      const port = await freePort();
      const trust = options.workspaceTrust ? [] : ['--disable-workspace-trust'];
      const args = [serverEntry, '--host', '127.0.0.1', '--port', String(port), '--without-connection-token', '--accept-server-license-terms', ...dirs, '--telemetry-level', 'off', ...trust, ...(options.serverArgs ?? [])];
      const server = new WorkbenchServer(root, port, start(process.execPath, args, { env, ...user, cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));
      await server.#answers();
      return server;
    } catch (error) {
      await rm(root, { recursive: true, force: true });
      throw error;
    }
  }

  /** The workbench's address with a folder open. */
  url(folder: string, payload: ReadonlyArray<readonly [string, string]> = []): string {
    const query = payload.length === 0 ? '' : `&payload=${encodeURIComponent(JSON.stringify(payload))}`;
    return `http://localhost:${this.port}/?folder=${encodeURIComponent(folder)}${query}`;
  }

  output(): string {
    return this.#output;
  }

  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid !== undefined) {
      await endGroup(pid);
    }
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }

  async #answers(): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if (this.#child.exitCode !== null) break;
      try {
        if ((await fetch(`http://127.0.0.1:${this.port}/version`)).ok) return;
      } catch {
        // not yet
      }
      await delay(100);
    }
    await this.stop();
    throw new Error(`The workbench does not answer:\n${this.#output.slice(-2000)}`);
  }
}

async function installExtension(args: readonly string[], options: { env: NodeJS.ProcessEnv; uid: number | undefined; gid: number | undefined }): Promise<void> {
  const child = start(process.execPath, args, { ...options, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`Installing the extension failed:\n${output.slice(-2000)}`);
}

async function writeSettings(root: string, settings: object): Promise<void> {
  // A setting of machine scope counts only in the machine's file, the others only in the user's.
  for (const scope of ['User', 'Machine']) {
    const folder = join(root, 'srv', 'data', scope);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'settings.json'), JSON.stringify(settings, undefined, 2));
  }
}

async function environment(root: string, extra: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  for (const name of ['home', 'tmp']) await mkdir(join(root, name), { recursive: true });
  return { HOME: join(root, 'home'), TMPDIR: join(root, 'tmp'), SHELL: '/bin/bash', LANG: 'C.UTF-8', EXTENSIONS_GALLERY: '{}', DO_NOT_TRACK: '1', PATH: process.env['PATH'], ...extra };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** SIGTERM to the group, SIGKILL to what is left of it after five seconds. */
async function endGroup(pid: number): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  for (let attempt = 0; attempt < 100 && signalGroup(pid, 0); attempt += 1) await delay(50);
  signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
