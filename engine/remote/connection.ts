import type { Duplex, Readable, Writable } from 'node:stream';

/** A command that runs on a host. */
export interface RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Its end; `code` is absent when a signal ended it or when the connection was lost. Never rejects. */
  readonly exit: Promise<{ readonly code?: number; readonly signal?: string }>;
  /** Ends it, as far as the transport can. */
  kill(): void;
}

/** One authenticated connection to a host, whatever carries it. Everything on it is multiplexed. */
export interface HostConnection {
  /** `user@host:port`, for people. */
  readonly description: string;
  /** Runs a command by the user's login shell. `command` is shell text for the host's shell: quote with `quoteForShell`. */
  exec(command: string): Promise<RemoteProcess>;
  /** A stream to a unix socket on the host. Throws STREAMLOCAL_REFUSED where the server forbids it, REMOTE_SOCKET_MISSING where nothing listens. */
  openStreamLocal(path: string): Promise<Duplex>;
  /** A stream to a TCP address as the host sees it. Throws TCP_FORWARDING_REFUSED, REMOTE_PORT_CLOSED. */
  openTcp(host: string, port: number): Promise<Duplex>;
  /** Resolves when the connection is gone, with why; `undefined` after `close`. */
  readonly closed: Promise<Error | undefined>;
  close(): Promise<void>;
}

/** What only the person at the keyboard can say while a connection is made. */
export type Question =
  | { readonly kind: 'host-key'; readonly host: string; readonly keyType: string; /** `SHA256:…` */ readonly fingerprint: string }
  | { readonly kind: 'password'; readonly user: string; readonly host: string }
  | { readonly kind: 'passphrase'; readonly keyFile: string }
  | { readonly kind: 'keyboard-interactive'; readonly name: string; readonly instructions: string; readonly prompts: ReadonlyArray<{ readonly prompt: string; readonly echo: boolean }> };

/** Answers, one text per prompt (`yes`/`no` for a host key); `undefined`: the person declined, or nobody is there to ask. Never stored, never logged. */
export type Ask = (question: Question, signal: AbortSignal) => Promise<readonly string[] | undefined>;

/** One word for a POSIX shell. */
export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
