import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { z } from 'zod';
import { start, startFailure } from './process.ts';

/** Where a connection from inside a namespace goes. */
export interface InsideTarget {
  /** An address, or a name as the namespace's own programs would look it up. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectorOptions {
  /** Path of the namespace: `/proc/<pid>/ns/net`, `/run/netns/<name>`. */
  readonly namespace: string;
  /** What names are looked up in: the files that the namespace's programs see as /etc/hosts and /etc/resolv.conf. */
  readonly hosts?: string;
  readonly resolvConf?: string;
}

const IDLE_MS = 30_000;

const answerSchema = z.looseObject({ id: z.number(), error: z.string().optional() });

interface Waiting {
  readonly resolve: (socket: Socket) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens TCP connections from inside another network namespace, so that also a program that listens on its own loopback only can be reached. A
 * socket belongs for ever to the namespace it was made in: a small process in there makes them and hands each over once it is connected, so that
 * it never touches a byte. It starts with the first connection, ends when none was asked for in a while, and with the engine, however that ends.
 */
export class NamespaceConnector {
  readonly #options: ConnectorOptions;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last = 0;
  #closed = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** A connection, paused, with its other direction left open at one's end. Throws the system's error (ECONNREFUSED, …). */
  connect(target: InsideTarget): Promise<Socket> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the namespace is closed'));
        return;
      }
      const id = (this.#last += 1);
      this.#waiting.set(id, { resolve, reject });
      this.#child ??= this.#start();
      this.#child.send({ id, ...target, hosts: this.#options.hosts, resolvConf: this.#options.resolvConf }, (error) => {
        if (error) this.#settle(id, error);
      });
      clearTimeout(this.#idle);
    });
  }

  /** Ends the process inside; connections that were handed over are not touched. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  #start(): ChildProcess {
    const child = start('nsenter', [`--net=${this.#options.namespace}`, '--', process.execPath, '-e', `(${inside.toString()})()`], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env: { PATH: process.env['PATH'] } });
    const failed = (error: Error): void => {
      if (this.#child === child) this.#child = undefined;
      for (const id of [...this.#waiting.keys()]) this.#settle(id, error);
    };
    child.once('error', (error) => failed(startFailure('nsenter', error)));
    child.once('exit', () => failed(new Error('the process in the network namespace ended')));
    child.on('message', (message, handle) => {
      const { id, error } = answerSchema.parse(message);
      if (handle instanceof Socket) handle.pause().allowHalfOpen = true;
      this.#settle(id, handle instanceof Socket ? handle : Object.assign(new Error(`connecting from inside failed: ${error ?? 'no reason given'}`), { code: error }));
    });
    child.unref();
    child.channel?.unref();
    return child;
  }

  #settle(id: number, outcome: Socket | Error): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (outcome instanceof Error) waiting?.reject(outcome);
    else if (waiting && !this.#closed) waiting.resolve(outcome);
    else outcome.destroy();
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
  }

  #end(): void {
    clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = undefined;
    if (child?.connected) child.disconnect();
  }
}

/** What runs inside, given to `node -e` as text: it can use nothing from around it. */
function inside(): void {
  const net = process.getBuiltinModule('node:net');
  const fs = process.getBuiltinModule('node:fs');
  const dns = process.getBuiltinModule('node:dns').promises;

  const lines = (path: string | undefined): string[][] => (path === undefined || !fs.existsSync(path) ? [] : fs.readFileSync(path, 'utf8').split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/)));

  const addressOf = async (host: string, hosts: string | undefined, resolvConf: string | undefined): Promise<string> => {
    if (net.isIP(host) !== 0) return host;
    const named = lines(hosts).find(([, ...names]) => names.includes(host))?.[0];
    if (named !== undefined) return named;
    const settings = lines(resolvConf);
    const resolver = new dns.Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers(settings.flatMap(([key, server = '']) => (key === 'nameserver' && net.isIP(server) !== 0 ? [server] : [])));
    const search = settings.findLast(([key]) => key === 'search' || key === 'domain')?.slice(1) ?? [];
    for (const name of host.includes('.') ? [host] : [host, ...search.map((domain) => `${host}.${domain}`)]) {
      const [address] = await resolver.resolve4(name).catch(() => resolver.resolve6(name)).catch(() => []);
      if (address !== undefined) return address;
    }
    throw Object.assign(new Error(host), { code: 'ENOTFOUND' });
  };

  const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error));

  process.on('disconnect', () => process.exit());
  process.on('message', (request: { id: number; host: string; port: number; hosts?: string; resolvConf?: string }) => {
    const { id } = request;
    addressOf(request.host, request.hosts, request.resolvConf).then((host) => {
      // Paused before it connects: what the other side sends first is for whoever gets the socket.
      const socket = new net.Socket({ allowHalfOpen: true }).pause();
      socket.once('error', (error) => process.send?.({ id, error: codeOf(error) }));
      socket.once('connect', () => process.send?.({ id }, socket));
      socket.connect(request.port, host);
    }).catch((error: unknown) => process.send?.({ id, error: codeOf(error) }));
  });
}
