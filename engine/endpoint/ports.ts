import type { Duplex } from 'node:stream';
import type { ExecSpec } from '../api/berth/devcontainer.ts';
import type { ExecCreate } from '../api/docker/container.ts';
import type { ProcessIdentity } from '../host/processIdentity.ts';

/** What the endpoint needs of the other services. Declared here, given to the constructor by the composition root. */

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

/** A running container, as the endpoint sees it. */
export interface RunningContainer {
  readonly id: string;
  /** Its first process. */
  readonly process: ProcessIdentity;
  /** Whom it runs as, and where, when nobody says otherwise. */
  readonly user: string;
  readonly cwd: string;
  /** Whether its users have other ids outside: its user namespace is then joined. */
  readonly ownIds: boolean;
  /** What its processes may have at most. */
  readonly capabilities: readonly string[];
}

/** Processes in containers, as Docker's exec. */
export interface EndpointExecs {
  create(containerId: string, config: ExecCreate): string;
  /** Connects the client to the process and resolves at its end; without a terminal output arrives in Docker's frames. */
  start(execId: string, client: Duplex): Promise<void>;
  /** Docker's shape: `ExitCode`, `Running`, `Pid` on the host. */
  inspect(execId: string): Promise<object>;
  resize(execId: string, rows: number, columns: number): Promise<void>;
}

export interface EndpointContainers {
  readonly execs: EndpointExecs;
  /** The container meant by a name, an id, or the beginning of one, and whom it runs as. Throws NO_SUCH_CONTAINER. */
  find(ref: string): { readonly id: string; readonly name: string; readonly state: string; readonly user: string };
  /** Throws CONTAINER_NOT_RUNNING, CONTAINER_PAUSED. */
  running(id: string): RunningContainer;
  /** A user by the container's own files. Throws NO_SUCH_USER. */
  account(id: string, user: string): Promise<Account>;
}

export interface EndpointDevContainer {
  /** The dev container's, which stays the same when its container is made anew. */
  readonly id: string;
  readonly containerId: string;
  readonly folder: string;
  readonly configFile: string;
  readonly state: string;
}

export interface EndpointDevContainers {
  list(): readonly EndpointDevContainer[];
  /** The remote user of one, whether it runs or not. */
  remoteUser(one: EndpointDevContainer): Promise<string>;
  /** How to run processes in one that runs. Throws DEVCONTAINER_NOT_UP. */
  execSpec(one: EndpointDevContainer, localEnv: Readonly<Record<string, string>> | undefined, signal: AbortSignal): Promise<ExecSpec>;
}
