import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { hostCommandFailed } from '../base/errors.ts';
import { start, startFailure } from './process.ts';
import type { IdRange } from './userNamespace.ts';

/**
 * A process that does nothing but hold a new user namespace (and a network namespace that belongs to it) until something else holds them. It ends
 * when this one does, however that ends: its standard input closes then.
 */
export class NamespaceHolder implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
  }

  /** `map`: ids `inside` the namespace and what they are on the host, of users, and of groups unless `groups` says otherwise. */
  static async start(map: readonly IdRange[], options: { readonly groups?: readonly IdRange[]; readonly network?: boolean } = {}): Promise<NamespaceHolder> {
    return NamespaceHolder.#of('unshare', ['--user', ...(options.network ? ['--net'] : []), '--', 'cat'], async (holder) => {
      await writeFile(`/proc/${holder.pid}/uid_map`, mapText(map));
      await writeFile(`/proc/${holder.pid}/gid_map`, mapText(options.groups ?? map));
    });
  }

  /** A network namespace that belongs to a user namespace which exists. */
  static networkIn(userPath: string): Promise<NamespaceHolder> {
    return NamespaceHolder.#of('nsenter', [`--user=${userPath}`, '--setuid=0', '--setgid=0', '--', 'unshare', '--net', '--', 'cat'], () => Promise.resolve());
  }

  static async #of(program: string, args: readonly string[], prepare: (holder: NamespaceHolder) => Promise<void>): Promise<NamespaceHolder> {
    const child = start(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
    child.stdin?.on('error', () => undefined); // it has ended: the status says why
    const failed = new Promise<never>((_resolve, reject) => {
      child.once('error', (error) => reject(startFailure(program, error)));
      child.once('exit', (status) => reject(hostCommandFailed({ command: `${program} ${args.join(' ')}`, status: status ?? 128, stderr: words.trim() })));
    });
    failed.catch(() => undefined); // its end, once it has begun, is what we ask for
    child.stdin?.write('\n');
    if (child.stdout) await Promise.race([once(child.stdout, 'data'), failed]); // it echoes: the namespaces are there
    const holder = new NamespaceHolder(child, child.pid ?? 0);
    try {
      await prepare(holder);
      return holder;
    } catch (error) {
      await holder[Symbol.asyncDispose]();
      throw error;
    }
  }

  get userPath(): string {
    return `/proc/${this.pid}/ns/user`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }
}

/** The kernel takes a map in one write only. */
function mapText(map: readonly IdRange[]): string {
  return map.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join('');
}
