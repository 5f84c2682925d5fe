import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';

/** Debian's buildah with storage of its own: a peer for builds only, by its command line, for it has no engine. */
export class Buildah {
  readonly #flags: readonly string[];

  private constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  /** With the image that the others have; undefined where it is not installed. */
  static async open(parent: string, archive: string): Promise<Buildah | undefined> {
    if (!existsSync('/usr/bin/buildah')) return undefined;
    const root = join(parent, 'buildah');
    await mkdir(root, { recursive: true });
    const buildah = new Buildah(['--root', join(root, 'data'), '--runroot', join(root, 'run'), '--storage-driver', 'overlay']);
    await buildah.#run(['pull', '-q', `docker-archive:${archive}`]);
    return buildah;
  }

  /** Milliseconds of `buildah bud`, stages side by side. */
  async build(folder: string, tag: string, noCache: boolean): Promise<number> {
    const begin = performance.now();
    // crun refuses hybrid control groups; a network of its own would need plugins.
    await this.#run(['bud', '--runtime', 'runc', '--pull-never', '--layers', '--jobs', '0', '--network', 'host', ...(noCache ? ['--no-cache'] : []), '-t', tag, folder]);
    const took = performance.now() - begin;
    if (noCache) await this.#run(['rmi', '-f', tag]);
    return took;
  }

  async remove(): Promise<void> {
    await run('buildah', [...this.#flags, 'rmi', '-a', '-f'], { okStatus: 'any' });
  }

  async #run(args: readonly string[]): Promise<void> {
    await run('buildah', [...this.#flags, ...args]);
  }
}
