import type { ImageConfig, RunConfig } from '../content/oci.ts';
import type { Owner } from '../host/userNamespace.ts';
import type { PendingSnapshot, SnapshotStore } from '../snapshots/types.ts';

/** What containers need of the other services. Declared here, given to the constructor by the composition root. */

export interface ContainerImage {
  /** Digest of the configuration. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Base first. */
  readonly layers: ReadonlyArray<{ readonly snapshotId: string }>;
}

export interface Images {
  /** `platform`: of an image of several, the one for it; whether another image is for it is not asked. Throws NO_SUCH_IMAGE. */
  resolve(ref: string, platform?: string): ContainerImage | Promise<ContainerImage>;
  /** Records an image made of a container's files. */
  commit(commit: ImageCommit): Promise<{ readonly id: string }>;
}

export interface ImageCommit {
  readonly imageId: string;
  /** Base first; the last one holds the container's changes. */
  readonly snapshotIds: readonly string[];
  readonly config: RunConfig;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** '' for none. */
  readonly name: string;
  readonly comment: string;
  readonly author: string;
  readonly createdBy: string;
}

export interface Snapshots {
  /** The overlay lower directory of a snapshot (absolute). */
  lowerDir(id: string): string;
  /** `size`: bytes of its files. */
  get(id: string): { readonly size: number } | undefined;
  /** Copies of layers for containers with keep-id maps. */
  readonly shifted: Pick<SnapshotStore['shifted'], 'dir' | 'ensure'>;
  /** A layer to fill. */
  begin(): Promise<PendingSnapshot>;
}

/** A container's place in a network. `netnsPath` is '' for the host's own namespace; addresses are '' where there are none. */
export interface Endpoint {
  readonly networkName: string;
  readonly networkId: string;
  readonly netnsPath: string;
  readonly ip: string;
  readonly prefix: number;
  readonly gateway: string;
  /** Empty: the network has no IPv6. */
  readonly ip6: string;
  readonly prefix6: number;
  readonly gateway6: string;
  readonly mac: string;
  readonly endpointId: string;
}

/** A place in a network that is wished. */
export interface NetworkWish {
  readonly network: string;
  readonly aliases?: readonly string[];
  readonly links?: readonly string[];
  readonly mac?: string;
  readonly ip?: string;
  readonly ip6?: string;
}

export interface PortRequest {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
  /** Empty: every address of the host. */
  readonly hostIp: string;
  /** 0: choose one. */
  readonly hostPort: number;
}

export interface Networks {
  attach(containerId: string, request: NetworkWish & { readonly hostname: string; readonly name?: string; readonly dns?: readonly string[]; readonly further?: readonly NetworkWish[]; readonly namespaceOf?: number }): Promise<Endpoint>;
  /** Puts a running container into one more network, and takes it out of one. */
  connect(containerId: string, network: string, wish: Omit<NetworkWish, 'network'>): Promise<void>;
  disconnect(containerId: string, network: string): Promise<void>;
  /** What a network is called. Throws NO_SUCH_NETWORK. */
  networkName(ref: string): string;
  /** All or none. Throws PORT_IN_USE. */
  publish(containerId: string, endpoint: Pick<Endpoint, 'ip'>, ports: readonly PortRequest[]): Promise<unknown>;
  /** Takes back ports, addresses and namespace; fine if there are none. */
  release(containerId: string): Promise<void>;
  /** Releases what belongs to none of these containers. */
  reconcile(liveContainerIds: Iterable<string>): Promise<void>;
  /** Those of a running container, the one with the default route first. */
  endpoints(containerId: string): readonly Endpoint[];
  publishedPorts(containerId: string): readonly PortRequest[];
  /** A container has another name. */
  rename(containerId: string, name: string): void;
  /** Of a container as it is attached now. */
  resolvConf(mode?: 'bridge' | 'host', containerId?: string): string;
  /** Whether its networks resolve its names: `--dns` is then for them, not for the container. */
  resolvesNames(containerId: string): boolean;
}

export interface ContainerVolume {
  readonly name: string;
  readonly mountpoint: string;
}

export interface VolumeHold {
  /** False: one that runs has the volume with other ids. */
  readonly fits: boolean;
  release(): void;
}

export interface Volumes {
  /** The volume of this name, made when missing; without a name a new anonymous one. */
  create(volume: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> }): Promise<ContainerVolume>;
  /**
   * Makes its files belong to the same users for a container with these ids as for others before, and keeps them so until it is let go of, once the container runs
   * or will not. Several are taken in the order of their names.
   */
  useIds(name: string, keepId: Owner | undefined, container: string): Promise<VolumeHold>;
  /** Whether that would do now. */
  fitsIds(name: string, keepId: Owner | undefined): boolean;
  /** Throws when something uses it, also with `force` (which forgives only that it is gone). */
  remove(name: string, options: { readonly force?: boolean }): Promise<void>;
}
