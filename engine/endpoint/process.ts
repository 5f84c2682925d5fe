import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerChannel } from 'ssh2';
import { execInspectSchema } from '../api/docker/containerView.ts';
import { Demultiplexer } from '../api/docker/demultiplexer.ts';
import { hangUp } from '../host/processTree.ts';
import { ChannelWriter } from './channelWriter.ts';
import type { EndpointExecs } from './ports.ts';
import type { Login } from './target.ts';

export interface Terminal {
  readonly rows: number;
  readonly columns: number;
}

export interface ProcessRequest {
  readonly containerId: string;
  readonly login: Login;
  readonly command: readonly string[];
  readonly env: readonly string[];
  readonly terminal: Terminal | undefined;
}

/** A process in the container, joined to a channel. */
export class ChannelProcess {
  readonly #execs: EndpointExecs;
  readonly #channel: ServerChannel;
  readonly #writer: ChannelWriter;
  readonly #id: string;
  readonly #terminal: boolean;
  #signalled: string | undefined;

  constructor(execs: EndpointExecs, channel: ServerChannel, request: ProcessRequest) {
    const { login, command, env, terminal } = request;
    this.#execs = execs;
    this.#channel = channel;
    this.#writer = new ChannelWriter(channel);
    this.#terminal = terminal !== undefined;
    this.#id = execs.create(request.containerId, {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: this.#terminal,
      Cmd: [...command],
      User: login.user,
      WorkingDir: login.cwd,
      Env: [...login.env, ...env],
      ...(terminal ? { ConsoleSize: [terminal.rows, terminal.columns] } : {}),
    });
  }

  /** Runs it to its end. A client that leaves before hangs up on it, and on what it has started. */
  async run(): Promise<void> {
    const client = this.#client();
    let left = false;
    this.#channel.once('close', () => {
      left = true;
      client.destroy();
      void this.#hangUp();
    });
    const written = finished(client, { readable: false }).catch(() => undefined);
    await this.#execs.start(this.#id, client);
    if (left) return this.#hangUp(); // it was started while the client was leaving
    const { ExitCode } = execInspectSchema.parse(await this.#execs.inspect(this.#id));
    await written; // the exec has ended its output, but not all of it need have come through
    await this.#writer.flushed();
    this.#sayEnd(ExitCode ?? 255);
    this.#channel.end();
  }

  /** Its pid on the host, once it runs. Rejects when it never does. */
  async whenStarted(): Promise<number> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const pid = await this.#pid();
      if (pid !== undefined) return pid;
      await delay(20);
    }
    throw new Error('the process did not start');
  }

  async resize(rows: number, columns: number): Promise<void> {
    await this.#execs.resize(this.#id, rows, columns);
  }

  /** `name`: without SIG, as SSH has it. */
  async signal(name: string): Promise<void> {
    const pid = await this.#pid();
    if (pid === undefined) return;
    this.#signalled = name;
    // The whole group, as a terminal's keys do; a process that leads none is signalled alone.
    if (!kill(-pid, name)) kill(pid, name);
  }

  #sayEnd(status: number): void {
    const number = this.#signalled === undefined ? undefined : signalNumbers[this.#signalled];
    if (this.#signalled !== undefined && number !== undefined && status === 128 + number) this.#channel.exit(this.#signalled, false, '');
    else this.#channel.exit(status);
  }

  async #hangUp(): Promise<void> {
    const pid = await this.#pid();
    if (pid !== undefined) await hangUp(pid);
  }

  /** On the host; `undefined` when it does not run. */
  async #pid(): Promise<number | undefined> {
    try {
      const { Running, Pid } = execInspectSchema.parse(await this.#execs.inspect(this.#id));
      return Running && Pid > 1 ? Pid : undefined;
    } catch {
      return undefined; // the exec is forgotten
    }
  }

  /** The exec's client: what the channel brings in, and out to it what the exec writes. */
  #client(): Duplex {
    const [channel, writer] = [this.#channel, this.#writer];
    const demultiplexer = this.#terminal ? undefined : new Demultiplexer();
    const client = new Duplex({
      read: () => void channel.resume(),
      write: (chunk: Buffer, _encoding, done) => {
        const frames = demultiplexer?.push(chunk) ?? [{ stream: 'stdout' as const, data: chunk }];
        const written = frames.map(({ data, stream }) => writer.write(data, stream));
        void Promise.all(written).then(() => done());
      },
    });
    client.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => {
      if (!client.destroyed && !client.push(chunk)) channel.pause();
    });
    channel.once('end', () => {
      if (!client.destroyed) client.push(null);
    });
    return client;
  }
}

/** RFC 4254's signals, by number. */
const signalNumbers: Readonly<Record<string, number | undefined>> = { HUP: 1, INT: 2, QUIT: 3, ILL: 4, ABRT: 6, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15 };

function kill(pid: number, name: string): boolean {
  const number = signalNumbers[name];
  try {
    return number !== undefined && process.kill(pid, number);
  } catch {
    return false;
  }
}
