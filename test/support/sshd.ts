import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../engine/host/process.ts';

export interface SshdOptions {
  readonly port: number;
  readonly config?: readonly string[];
}

/** A plain sshd on a loopback port for tests of the client: root logs in by `keyFile`; everything it needs is in one folder. */
export class Sshd {
  readonly port: number;
  readonly folder: string;
  /** A home for the client: its .ssh has a known_hosts with this server, and the key as id_ed25519. */
  readonly home: string;
  readonly keyFile: string;
  /** `type base64` */
  readonly hostKey: string;
  readonly #end: () => Promise<void>;

  private constructor(port: number, folder: string, hostKey: string, end: () => Promise<void>) {
    this.port = port;
    this.folder = folder;
    this.home = join(folder, 'home');
    this.keyFile = join(this.home, '.ssh/id_ed25519');
    this.hostKey = hostKey;
    this.#end = end;
  }

  static async start(options: SshdOptions): Promise<Sshd> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-sshd-'));
    await mkdir(join(folder, 'home/.ssh'), { recursive: true, mode: 0o700 });
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'host', '-f', join(folder, 'host_key')]);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me', '-f', join(folder, 'home/.ssh/id_ed25519')]);
    await copyFile(join(folder, 'home/.ssh/id_ed25519.pub'), join(folder, 'authorized_keys'));
    await chmod(folder, 0o755);
    const hostKey = (await readFile(join(folder, 'host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(join(folder, 'home/.ssh/known_hosts'), `[127.0.0.1]:${options.port} ${hostKey}\n`);
    const lines = [`ListenAddress 127.0.0.1:${options.port}`, `HostKey ${join(folder, 'host_key')}`, `PidFile none`, ...(options.config ?? []), `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`, 'StrictModes no', 'PermitRootLogin yes', 'UsePAM no', 'UseDNS no', 'KbdInteractiveAuthentication no', 'PasswordAuthentication no'];
    await writeFile(join(folder, 'sshd_config'), `${lines.join('\n')}\n`);
    await mkdir('/run/sshd', { recursive: true });
    const child = start('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const gone = once(child, 'close').catch(() => undefined);
    const end = async (): Promise<void> => {
      child.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await answering(options.port);
    } catch (cause) {
      await end();
      throw new Error(`sshd did not start: ${log}`, { cause });
    }
    return new Sshd(options.port, folder, hostKey, end);
  }

  /** What `connectToHost` needs to act as this server's client and nobody else. */
  get client(): { home: string; env: NodeJS.ProcessEnv; configFile: string } {
    return { home: this.home, env: { PATH: process.env.PATH, HOME: this.home }, configFile: join(this.home, '.ssh/config') };
  }

  /** Writes the client's ssh_config. */
  async configure(...lines: readonly string[]): Promise<void> {
    await writeFile(join(this.home, '.ssh/config'), `${lines.join('\n')}\n`, { mode: 0o600 });
  }

  /** For the system's ssh, which takes the home of the user database: everything by name. */
  configureSystem(...lines: readonly string[]): Promise<void> {
    return this.configure(...lines, `UserKnownHostsFile ${join(this.home, '.ssh/known_hosts')}`, `IdentityFile ${this.keyFile}`, 'IdentitiesOnly yes');
  }

  stop(): Promise<void> {
    return this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function answering(port: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await delay(20)) {
    const socket = connect({ host: '127.0.0.1', port });
    const answered = await once(socket, 'data').then(() => true, () => false);
    socket.destroy();
    if (answered) return;
    if (Date.now() > deadline) throw new Error(`nothing answers on port ${port}`);
  }
}
