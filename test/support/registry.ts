import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../engine/host/process.ts';
import { freePort } from './freePort.ts';

export interface TestRegistryOptions {
  /** Names and passwords; then the registry wants a login (Basic). Needs `htpasswd` only then. */
  readonly users?: Readonly<Record<string, string>>;
  /** Files (PEM); `clientCa`: then a client needs a certificate of this authority. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Where tokens come from, and the certificate of who signs them; then the registry wants one (Bearer). */
  readonly token?: { readonly realm: string; readonly certificate: string };
}

/** Debian's docker-registry on a free loopback port with a folder of its own. `stop` ends it and removes the folder. */
export class TestRegistry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly folder: string;
  readonly #stop: () => Promise<void>;

  private constructor(host: string, folder: string, stop: () => Promise<void>) {
    this.host = host;
    this.folder = folder;
    this.#stop = stop;
  }

  static async start(options: TestRegistryOptions = {}): Promise<TestRegistry> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-registry-'));
    const host = `127.0.0.1:${await freePort()}`;
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'config.yml'), await configuration(host, folder, options));
    const child = start('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
    const ended = once(child, 'close').catch(() => undefined);
    const stop = async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await answering(host, options.tls?.ca);
    } catch (error) {
      await stop();
      throw error;
    }
    return new TestRegistry(host, folder, stop);
  }

  /** Copies an image in with skopeo, for instance from `docker-archive:/path.tar` or `oci:/folder:tag`. */
  async push(source: string, name: string, flags: readonly string[] = []): Promise<void> {
    await run('skopeo', ['--insecure-policy', 'copy', '--dest-tls-verify=false', ...flags, source, `docker://${this.host}/${name}`]);
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

async function configuration(host: string, folder: string, { users, tls, token }: TestRegistryOptions): Promise<string> {
  const secure = tls ? `, tls: { certificate: ${tls.cert}, key: ${tls.key}${tls.clientCa === undefined ? '' : `, clientcas: [${tls.clientCa}]`} }` : '';
  const lines = ['version: 0.1', 'log: { level: error, accesslog: { disabled: true } }', `storage: { filesystem: { rootdirectory: ${join(folder, 'data')} }, delete: { enabled: true } }`, `http: { addr: "${host}", secret: test${secure} }`];
  if (token) return [...lines, `auth: { token: { realm: "${token.realm}", service: test, issuer: test, rootcertbundle: ${token.certificate} } }`].join('\n');
  if (!users) return lines.join('\n');
  const file = join(folder, 'htpasswd');
  const hashes = await Promise.all(Object.entries(users).map(async ([name, password]) => (await run('htpasswd', ['-Bbn', name, password])).stdout.trim()));
  await writeFile(file, `${hashes.join('\n')}\n`);
  return [...lines, `auth: { htpasswd: { realm: test, path: ${file} } }`].join('\n');
}

async function answering(host: string, ca: string | undefined): Promise<void> {
  const [name = '', port = ''] = host.split(':');
  const deadline = Date.now() + 15_000;
  for (;;) {
    const listens = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), name, () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
    const response = listens && ca === undefined ? await fetch(`http://${host}/v2/`).catch(() => undefined) : undefined;
    if (listens && (ca !== undefined || (response && response.status < 500))) return;
    if (Date.now() > deadline) throw new Error(`docker-registry did not answer on ${host}`);
    await delay(30);
  }
}
