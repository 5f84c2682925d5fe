import * as zlib from 'node:zlib';
import { z } from 'zod';
import { runProgram, startDetached } from '../base/process.ts';
import type { Output, RunOptions } from '../base/process.ts';
import { engineEnvironment } from './engineEnvironment.ts';
import { findNode } from './findNode.ts';
import type { NodeProbe } from './findNode.ts';
import { engineNodeFlags } from '../../engine/api/berth/engine.ts';
import { ApiError } from '../../engine/api/client.ts';

type ErrorParams = Readonly<Record<string, string | number | boolean>>;

/** What an engine that does not start says last. */
const startErrorSchema = z.object({ code: z.string(), message: z.string(), params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional() });

/** The engine said why it does not start: a code of its error table. */
export class EngineStartError extends Error {
  override readonly name = 'EngineStartError';
  readonly code: string;
  readonly params: ErrorParams;

  constructor(code: string, message: string, params: ErrorParams = {}) {
    super(message);
    this.code = code;
    this.params = params;
  }
}

/** Containers are a matter of the Linux kernel. */
export class EngineNeedsLinux extends Error {
  override readonly name = 'EngineNeedsLinux';
}

export interface LauncherSettings {
  readonly nodePath: string;
  /** The engine's program: a `.cjs`, `.js` or `.ts` file for Node, or something that runs by itself. */
  readonly enginePath: string;
  readonly socketPath: string;
  /** Folder of the engine's archives for remote hosts; empty: beside the engine. */
  readonly archives: string;
}

const alreadyRunning = 'ENGINE_ALREADY_RUNNING';

/** Starts the bundled engine, and runs its command line, with a Node that can. */
export class EngineLauncher {
  readonly #settings: () => LauncherSettings;

  constructor(settings: () => LauncherSettings) {
    this.#settings = settings;
  }

  /** Starts an engine that leaves when idle; returns when it serves. Throws EngineStartError, NodeUnusable, EngineNeedsLinux. */
  async start(): Promise<void> {
    if (process.platform !== 'linux') throw new EngineNeedsLinux(process.platform);
    // Without root the engine fails at its first network device: say it before, in words that help.
    const { program, args, env } = await this.#command(engineNodeFlags);
    const said = (await startDetached(program, [...args, 'engine', '--on-demand', '--ready-fd', '3'], env)).trim();
    if (said === 'ready') return;
    const error = toStartError(said);
    if (error.code !== alreadyRunning) throw error;
  }

  /** Starts the link to a remote host unless it runs; returns when it serves. Throws ApiError. */
  async startLink(host: string): Promise<void> {
    const { program, args, env } = await this.#command(engineNodeFlags);
    const said = (await startDetached(program, [...args, 'link', host, '--ready-fd', '3'], env)).trim();
    if (said !== 'ready') throw new ApiError(502, said, 'LINK_DID_NOT_START', { host, detail: said === '' ? 'it ended at once' : said });
  }

  /** Runs a command of Berth's command line to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const { program, args: first, env } = await this.#command();
    return runProgram(program, [...first, ...args], { env, ...options });
  }

  async #command(flags: readonly string[] = []): Promise<{ program: string; args: string[]; env: NodeJS.ProcessEnv }> {
    const settings = this.#settings();
    const ours = { BERTH_SOCKET: settings.socketPath, ...(settings.archives === '' ? {} : { BERTH_ENGINE_ARCHIVES: settings.archives }) };
    if (!/\.[cm]?[jt]s$/.test(settings.enginePath)) return { program: settings.enginePath, args: [], env: engineEnvironment(process.env, ours) };
    const node = await findNode({ setting: settings.nodePath, execPath: process.execPath, execHasZstd: hasZstd(), probe: probeNode });
    return { program: node.program, args: [...flags, settings.enginePath], env: engineEnvironment(process.env, { ...ours, ...node.env }) };
  }
}

function hasZstd(): boolean {
  return 'createZstdDecompress' in zlib;
}

async function probeNode(program: string): Promise<NodeProbe | undefined> {
  const script = "console.log(process.versions.node, 'createZstdDecompress' in require('node:zlib'))";
  try {
    const { status, stdout } = await runProgram(program, ['-e', script], { timeoutMs: 10_000 });
    const [version, zstd] = stdout.trim().split(' ');
    return status === 0 && version ? { version, zstd: zstd === 'true' } : undefined;
  } catch {
    return undefined;
  }
}

function toStartError(said: string): EngineStartError {
  try {
    const { code, message, params } = startErrorSchema.parse(JSON.parse(said));
    return new EngineStartError(code, message, params);
  } catch {
    return new EngineStartError('ENGINE_DID_NOT_START', said === '' ? 'The engine ended before it served.' : said);
  }
}
