import { appendFile, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { refusalSchema } from '../../api/berth/network.ts';
import type { Refusal } from '../../api/berth/network.ts';

const LARGEST = 1024 * 1024;

/** What containers were refused: `egress/<network id>.log` under the data root, a line each, and the 1 MB before as `.log.old`. */
export class RefusalLog {
  readonly #folder: string;
  #queue: Promise<void> = Promise.resolve();

  constructor(dataRoot: string) {
    this.#folder = join(dataRoot, 'egress');
  }

  append(networkId: string, refusals: readonly Refusal[]): Promise<void> {
    return this.#inTurn(async () => {
      const path = this.#path(networkId);
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      if ((await sizeOf(path)) > LARGEST) await rename(path, `${path}.old`);
      await appendFile(path, refusals.map((refusal) => `${JSON.stringify(refusal)}\n`).join(''), { mode: 0o600 });
    });
  }

  /** The oldest first. A line that a killed engine did not end is left out. */
  async read(networkId: string): Promise<Refusal[]> {
    await this.#queue;
    const texts = await Promise.all([`${this.#path(networkId)}.old`, this.#path(networkId)].map((path) => readFile(path, 'utf8').catch(() => '')));
    return texts.join('').split('\n').flatMap((line) => {
      const parsed = refusalSchema.safeParse(parse(line));
      return parsed.success ? [parsed.data] : [];
    });
  }

  remove(networkId: string): Promise<void> {
    return this.#inTurn(async () => {
      for (const path of [this.#path(networkId), `${this.#path(networkId)}.old`]) await rm(path, { force: true });
    });
  }

  /** Removes those of networks that are gone. */
  async keepOnly(networkIds: readonly string[]): Promise<void> {
    const ids = new Set((await readdir(this.#folder).catch(() => [])).map((name) => name.split('.')[0] ?? ''));
    for (const id of ids) if (!networkIds.includes(id)) await this.remove(id);
  }

  #path(networkId: string): string {
    return join(this.#folder, `${networkId}.log`);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(({ size }) => size, () => 0);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
