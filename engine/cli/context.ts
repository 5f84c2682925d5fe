import type { LinkForwarded } from '../api/berth/link.ts';
import type { ApiClient } from '../api/client.ts';

/** What every command gets: a way to the engine, the terminal, and the exit status. */
export interface CliContext {
  /** A client of a running engine; starts one on demand. */
  engine(): Promise<ApiClient>;
  /** A client that does not start an engine: its calls throw ConnectError when none runs. */
  readonly client: ApiClient;
  /** The host that is meant; `undefined`: this machine. */
  readonly host: string | undefined;
  /** Where the engine that is meant has an absolute folder of this machine; `begin`: see `folderOnHost`. */
  engineFolder(folder: string, options: { readonly begin: boolean }): Promise<string>;
  /** On another host: which port of this machine leads to which of the engine's host. */
  portsHere(): Promise<ReadonlyMap<number, number> | undefined>;
  /** On another host: brings a port of its own 127.0.0.1 to this machine, with an address that leads to a path of it once. */
  reachHere(port: number, path: string): Promise<LinkForwarded | undefined>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Aborted by Ctrl+C and SIGTERM (commands in raw mode see the key instead). */
  readonly signal: AbortSignal;
  /** The status with which the process will end. */
  setExitStatus(status: number): void;
}
