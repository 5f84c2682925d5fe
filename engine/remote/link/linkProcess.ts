import { ApiClient } from '../../api/client.ts';
import type { LinkStatus } from '../../api/berth/link.ts';
import { CleanupStack } from '../../base/cleanup.ts';
import { Emitter } from '../../base/emitter.ts';
import type { Log } from '../../base/log.ts';
import type { MuxLimits } from '../../base/mux/limits.ts';
import type { MuxStream } from '../../base/mux/muxStream.ts';
import type { ProcessLock } from '../../base/processLock.ts';
import { listenPrivately, removeSocket } from '../../base/privateSocket.ts';
import { createStreamServer } from './apiServer.ts';
import type { StreamServer } from './apiServer.ts';
import { createControlServer } from './control.ts';
import type { LinkTarget } from './engineSession.ts';
import { Link } from './link.ts';
import { takeLinkLock } from './linkLock.ts';
import type { LinkPaths } from './paths.ts';
import { PortForwards } from './ports.ts';

export interface LinkProcessOptions {
  readonly host: string;
  readonly paths: LinkPaths;
  readonly target: LinkTarget;
  readonly log: Log;
  /** Leaves after so long without a connection, a forwarded port or somebody who watches. */
  readonly idleSeconds: number;
  readonly limits?: Partial<MuxLimits>;
  readonly answerMs?: number;
  /** The sockets serve, or another link's do. */
  readonly ready: () => void;
  /** Ends the link. */
  readonly signal: AbortSignal;
}

/** The body of `berth link NAME`: serves one host's sockets until it is stopped or nobody needs it. Returns at once if another link serves them. */
export async function runLink(options: LinkProcessOptions): Promise<void> {
  const { paths, log, ready } = options;
  await using cleanup = new CleanupStack();
  const lock = await takeLinkLock(paths.lock, paths.control);
  if (!lock) return ready();
  cleanup.defer(() => lock.release());
  const serving = new ServingLink(options);
  cleanup.defer(() => serving.close());
  await serving.listen(cleanup);
  if (!(await lock.serve())) return;
  const watch = watchLock(lock, () => serving.end('its lock is gone'));
  cleanup.defer(() => clearInterval(watch));
  log.info('serving', { host: options.host, socket: paths.socket, pid: process.pid });
  ready();
  const reason = await serving.ended;
  log.info('leaving', { reason });
}

class ServingLink {
  readonly ended: Promise<string>;
  readonly #options: LinkProcessOptions;
  readonly #changed = new Emitter<void>();
  readonly #link: Link;
  readonly #api: StreamServer;
  readonly #ports: PortForwards;
  end: (reason: string) => void = () => undefined;
  #idle: NodeJS.Timeout | undefined;
  #clock: NodeJS.Timeout | undefined;

  constructor(options: LinkProcessOptions) {
    const { host, target, log, limits, answerMs, paths } = options;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.end = resolve));
    options.signal.addEventListener('abort', () => this.end('stopped'), { once: true });
    const onChange = (): void => this.#onChange();
    this.#link = new Link({ host, target, log, onChange, onSession: () => this.#ports.follow(), ...(limits ? { limits } : {}), ...(answerMs === undefined ? {} : { answerMs }) });
    const need = () => this.#link.need();
    this.#api = createStreamServer({ target: { kind: 'api' }, need, onChange });
    // Its own requests are streams like any other's, but do not count as somebody's.
    const client = new ApiClient(paths.socket, undefined, () => this.#openApi());
    this.#ports = new PortForwards({ client, need, log, onChange });
  }

  async listen(cleanup: CleanupStack): Promise<void> {
    const { paths } = this.#options;
    const control = createControlServer({
      status: () => this.#status(),
      changed: this.#changed,
      watch: () => this.#watch(),
      answer: (id, answers) => this.#link.questions.answer(id, answers),
      connect: () => this.#connect(),
      forward: (port, path) => this.#ports.forwardHostPort(port, path),
      stop: () => this.end('asked to'),
    });
    cleanup.defer(() => {
      control.close();
      control.closeAllConnections();
    });
    for (const [server, path] of [[this.#api.server, paths.socket], [control, paths.control]] as const) {
      await listenPrivately(server, path);
      cleanup.defer(() => removeSocket(path));
    }
    this.#clock = watchClock(() => this.#link.hurry());
    this.#onChange();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    clearInterval(this.#clock);
    this.#ports.close();
    this.#api.close();
    await this.#link.stop({ code: 'LINK_STOPPED', detail: 'the link was stopped' });
  }

  #status(): LinkStatus {
    const { host, paths } = this.#options;
    return { host, pid: process.pid, socketPath: paths.socket, ...this.#link.state, connections: this.#api.connections() + this.#ports.connections(), ports: this.#ports.list() };
  }

  #watch(): () => void {
    const leave = this.#link.questions.watch();
    this.#onChange();
    return () => {
      leave();
      this.#onChange();
    };
  }

  #connect(): void {
    this.#link.hurry();
    void this.#link.need().catch(() => undefined); // the status says why not
  }

  #openApi(): MuxStream {
    const { session } = this.#link;
    if (!session) throw new Error('There is no session');
    return session.open(Buffer.from(JSON.stringify({ kind: 'api' })));
  }

  #onChange(): void {
    this.#changed.fire();
    clearTimeout(this.#idle);
    const { idleSeconds } = this.#options;
    const needed = this.#api.connections() > 0 || this.#ports.isNeeded || this.#link.questions.watchers > 0;
    if (idleSeconds > 0 && !needed) this.#idle = setTimeout(() => this.end('nobody needs it'), idleSeconds * 1000);
  }
}

/** Without its lock nobody finds this link any more: its folder was removed, or another one took its place. */
function watchLock(lock: ProcessLock, onLost: () => void): NodeJS.Timeout {
  return setInterval(() => void lock.holds().then((holds) => holds || onLost(), () => undefined), 2000).unref();
}

/** A clock that jumped means that the computer slept: connections may be dead without a word. */
function watchClock(onJump: () => void): NodeJS.Timeout {
  let before = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - before > 8000) onJump();
    before = now;
  }, 2000);
  timer.unref();
  return timer;
}
