import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ExecCreate } from '../api/docker/container.ts';
import { asBerthError, BerthError, conflict } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { resizeTerminal } from '../host/conmon.ts';
import { specText } from '../host/ociRuntime.ts';
import { announce } from './attributes.ts';
import { invalidConfig, isPaused, noSuchExec, notRunning } from './errors.ts';
import { processSpec } from './execProcess.ts';
import { commandText } from './execSession.ts';
import { ClientOutput } from './framing.ts';
import type { ExecSession } from './execSession.ts';
import type { ContainerParts } from './parts.ts';
import { runDetached, runPiped } from './pipedExec.ts';
import { runInTerminal } from './terminalExec.ts';
import { UserCache } from './userCache.ts';

const KEEP_MS = 5 * 60_000;

/** A further process in a running container. */
export class ExecService {
  readonly #parts: ContainerParts;
  readonly #sessions = new Map<string, ExecSession>();
  readonly #users = new UserCache();

  constructor(parts: ContainerParts) {
    this.#parts = parts;
  }

  /** Prepares an exec; returns its id. Throws NO_SUCH_CONTAINER, CONTAINER_NOT_RUNNING, CONTAINER_PAUSED. */
  create(ref: string, config: ExecCreate): string {
    const container = this.#parts.store.find(ref);
    if (!config.Cmd || config.Cmd.length === 0) throw invalidConfig({ what: 'exec', detail: 'No exec command specified' });
    if (container.state.status === 'paused') throw isPaused({ id: ref });
    if (!container.running) throw notRunning({ id: container.id });
    const id = newId();
    const [rows, columns] = config.ConsoleSize ?? [];
    const session: ExecSession = { id, container, config, bundle: join(this.#parts.folders.execs, id), tty: config.Tty ?? false, status: 'created', exitCode: null, pid: 0, size: rows && columns ? { rows, columns } : undefined };
    this.#sessions.set(id, session);
    container.execs.add(id);
    announce(this.#parts.events, container, `exec_create: ${commandText(session)}`, { execID: id });
    return id;
  }

  /** Whether an exec can be started now, and whether it has a terminal. Throws what `start` would, before a connection is taken over. */
  check(id: string): { readonly tty: boolean } {
    const session = this.#find(id);
    if (session.status !== 'created') throw conflict({ what: `exec ${id}`, detail: session.status === 'running' ? 'is already running' : 'has already run' });
    if (session.container.state.status === 'paused') throw isPaused({ id: session.container.id });
    if (!session.container.running) throw notRunning({ id: session.container.id });
    return { tty: session.tty };
  }

  /**
   * Runs the process. With a client: connected to it until its end, failures to start written to it as Docker does. Without: resolves
   * once it runs; throws COMMAND_NOT_FOUND and the like.
   */
  async start(id: string, client: Duplex | undefined, size?: { readonly rows: number; readonly columns: number }): Promise<void> {
    this.check(id);
    const session = this.#find(id);
    session.status = 'running';
    if (size) session.size = size;
    const { events } = this.#parts;
    try {
      await this.#writeProcess(session);
      announce(events, session.container, `exec_start: ${commandText(session)}`, { execID: id });
      const ended = (code: number): void => this.#ended(session, code);
      if (session.tty) await runInTerminal(this.#parts, session, client, ended);
      else if (client) await runPiped(this.#parts, session, client, ended);
      else await runDetached(this.#parts, session, ended);
    } catch (error) {
      if (session.status === 'running') this.#ended(session, session.exitCode ?? 126);
      if (!client) throw error;
      // The connection is the client's by now: what is wrong goes to it as output, as with Docker.
      if (!(error instanceof BerthError)) this.#parts.log.error('an exec failed', { container: session.container.id, error });
      new ClientOutput(client, session.tty).write('stdout', Buffer.from(`${asBerthError(error).message}\r\n`));
      client.end();
    }
  }

  /** Sets the terminal's size. */
  async resize(id: string, rows: number, columns: number): Promise<void> {
    const session = this.#find(id);
    session.size = { rows, columns };
    if (session.status === 'running' && session.tty) await resizeTerminal(session.bundle, rows, columns);
  }

  /** Docker's shape. */
  async inspect(id: string): Promise<object> {
    const { container, config, status, exitCode, pid, bundle, tty } = this.#find(id);
    const [entrypoint = '', ...args] = config.Cmd ?? [];
    return {
      ID: id,
      Running: status === 'running',
      ExitCode: exitCode,
      ProcessConfig: { tty, entrypoint, arguments: args, privileged: config.Privileged ?? false, user: config.User ?? '' },
      OpenStdin: config.AttachStdin ?? false,
      OpenStderr: config.AttachStderr ?? false,
      OpenStdout: config.AttachStdout ?? false,
      CanRemove: status === 'ended',
      ContainerID: container.id,
      DetachKeys: config.DetachKeys ?? '',
      Pid: pid || status === 'ended' ? pid : Number(await readFile(join(bundle, 'pid'), 'utf8').catch(() => 0)),
    };
  }

  /** Those of a container that have not been forgotten. */
  idsOf(execs: Iterable<string>): string[] {
    return [...execs].filter((id) => this.#sessions.has(id) && this.#sessions.get(id)?.status !== 'ended');
  }

  #find(id: string): ExecSession {
    const session = this.#sessions.get(id);
    if (!session) throw noSuchExec({ id });
    return session;
  }

  async #writeProcess(session: ExecSession): Promise<void> {
    const { record, paths } = session.container;
    const user = await this.#users.read(record.id, paths.rootfs, session.config.User || (record.config.User ?? ''));
    // Two small files in memory: waiting for a thread to write them takes longer than writing them.
    mkdirSync(session.bundle, { recursive: true, mode: 0o700 });
    writeFileSync(join(session.bundle, 'process.json'), specText(processSpec(session, user, this.#parts.runtime.cgroups)), { mode: 0o600 });
  }

  #ended(session: ExecSession, code: number): void {
    session.status = 'ended';
    session.exitCode = code;
    announce(this.#parts.events, session.container, 'exec_die', { execID: session.id, exitCode: String(code) });
    void rm(session.bundle, { recursive: true, force: true }).catch(() => undefined);
    const forget = (): void => {
      if (!this.#parts.store.get(session.container.id)) this.#users.forget(session.container.id);
      this.#sessions.delete(session.id);
      session.container.execs.delete(session.id);
    };
    setTimeout(forget, KEEP_MS).unref();
  }
}
