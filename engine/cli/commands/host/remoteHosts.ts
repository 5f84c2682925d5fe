import type { ApiClient } from '../../../api/client.ts';
import type { OperationContext } from '../../../base/context.ts';
import type { Ask } from '../../../remote/connection.ts';
import type { HostStep } from '../../../remote/hostDoctor.ts';
import type { Host, HostList } from '../../../remote/hosts.ts';
import type { Stock } from '../../../remote/stock.ts';
import type { LinkClient } from '../../../remote/link/linkClient.ts';

export interface PurgeOptions {
  /** Also where containers run. */
  readonly force: boolean;
  /** Asked first, with what the host's engine has, if it can say, and the copies of synced folders there. */
  readonly agreed?: (stock: Stock | undefined, copies: readonly string[]) => Promise<boolean>;
  /** When it is decided, before anything is removed. */
  readonly begin: () => Promise<void>;
}

/** What the commands about hosts work with; made by the composition root. */
export interface RemoteHosts {
  readonly hosts: HostList;
  link(name: string): LinkClient;
  /** This machine's engine, started on demand. */
  local(): Promise<ApiClient>;
  /** Throws INVALID_HOST_URL for an address that names no host. */
  checkUrl(url: string): void;
  /** Each step of the way to a host. */
  examine(host: Host, ask: Ask, signal: AbortSignal): AsyncIterable<HostStep>;
  /** Removes everything of ours from the host; false: `agreed` said no, and nothing was done. */
  purge(host: Host, options: PurgeOptions, ctx: OperationContext & { readonly ask: Ask }): Promise<boolean>;
  /** Forgets what saves round trips to it. */
  forget(name: string): Promise<void>;
  /** The body of `berth link NAME`. */
  serveLink(name: string, readyFd: number | undefined): Promise<void>;
}
