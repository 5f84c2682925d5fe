import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../../engine/api/client.ts';
import { linkPaths as routes, linkStatusSchema } from '../../engine/api/berth/link.ts';
import type { LinkStatus } from '../../engine/api/berth/link.ts';
import { silentLog } from '../../engine/base/log.ts';
import type { MuxLimits } from '../../engine/base/mux/limits.ts';
import { quoteForShell } from '../../engine/remote/connection.ts';
import type { LinkTarget } from '../../engine/remote/link/engineSession.ts';
import { runLink } from '../../engine/remote/link/linkProcess.ts';
import { linkPaths, thisPlatform } from '../../engine/remote/link/paths.ts';
import type { LinkPaths } from '../../engine/remote/link/paths.ts';
import { bundle } from './engine.ts';
import type { TestEngine } from './engine.ts';
import { TestNetwork } from './testNetwork.ts';

export interface LinkWorldOptions {
  readonly limits?: Partial<MuxLimits>;
  readonly target?: (network: TestNetwork) => Partial<LinkTarget>;
  readonly idleSeconds?: number;
}

/** How `berth` is run on the host that stands in for another. */
export function berthCommand(): string {
  return [process.execPath, bundle].map(quoteForShell).join(' ');
}

/** A link of the test's own to a real engine, over a network that the test commands. */
export class LinkWorld {
  readonly network: TestNetwork;
  readonly paths: LinkPaths;
  readonly client: ApiClient;
  readonly control: ApiClient;
  readonly done: Promise<void>;
  readonly #folder: string;
  readonly #stop = new AbortController();

  private constructor(folder: string, engine: Pick<TestEngine, 'env' | 'client'>, options: LinkWorldOptions, ready: () => void) {
    this.#folder = folder;
    this.network = new TestNetwork(engine.env);
    this.paths = linkPaths('test', thisPlatform({ ...process.env, BERTH_RUN_ROOT: folder }));
    this.client = new ApiClient(this.paths.socket);
    this.control = new ApiClient(this.paths.control, '');
    const { socketPath } = engine.client;
    this.done = runLink({
      host: 'test',
      paths: this.paths,
      log: silentLog,
      idleSeconds: options.idleSeconds ?? 0,
      ...(options.limits ? { limits: options.limits } : {}),
      target: {
        dial: () => this.network.dial(),
        prepare: () => Promise.resolve({ socketPath, command: berthCommand() }),
        remembered: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
        ...options.target?.(this.network),
      },
      ready,
      signal: this.#stop.signal,
    });
  }

  static async start(engine: Pick<TestEngine, 'env' | 'client'>, options: LinkWorldOptions = {}): Promise<LinkWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-lnk-'));
    return new Promise((resolve, reject) => {
      const world: LinkWorld = new LinkWorld(folder, engine, options, () => setImmediate(() => resolve(world)));
      world.done.catch(reject);
    });
  }

  status(): Promise<LinkStatus> {
    return this.control.json('GET', routes.status, linkStatusSchema);
  }

  /** Waits for a status. */
  async until(condition: (status: LinkStatus) => boolean): Promise<LinkStatus> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const status = await this.status();
      if (condition(status)) return status;
      assert.ok(Date.now() < deadline, `the link is still ${JSON.stringify(status)}`);
      await delay(10);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
