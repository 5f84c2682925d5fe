import { randomInt } from 'node:crypto';
import type { HostConfig } from '../api/docker/container.ts';
import { formatContext, freeLevel, parseContext } from '../host/seLinux/context.ts';
import type { Context } from '../host/seLinux/context.ts';
import { relabel, setLabel } from '../host/seLinux/relabel.ts';
import type { SeLinux } from '../host/seLinux/seLinux.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './containerStore.ts';
import { invalidConfig } from './errors.ts';
import type { EtcPaths } from './etcWriter.ts';
import type { ContainerRecord, MountPoint, SeLinuxRecord } from './record.ts';
import { parseSecurity } from './security.ts';

/** What `--security-opt label=` of a container is to make of the policy's contexts. */
export type LabelWish = { readonly kind: 'disable' } | { readonly kind: 'labels'; readonly process: Partial<Context>; readonly file: Partial<Context> };

/** Reads label options. As Docker: `level` and `user` are the files' too. Pure. Throws INVALID_CONTAINER_CONFIG. */
export function labelWish(options: readonly string[]): LabelWish {
  let process: Partial<Context> = {};
  let file: Partial<Context> = {};
  for (const option of options) {
    if (option === 'disable') return { kind: 'disable' };
    const [, key = '', value = ''] = /^(user|role|type|level|filetype):(.+)$/.exec(option) ?? [];
    if (key === '') throw invalidConfig({ what: 'bad label option', detail: `"${option}", valid options: disable, or user, role, level, type, filetype followed by ':' and a value` });
    if (key === 'filetype') file = { ...file, type: value };
    else process = { ...process, [key]: value };
    if (key === 'level' || key === 'user') file = { ...file, [key]: value };
  }
  return { kind: 'labels', process, file };
}

/** As Docker: what sees the host's processes, or is privileged, is not confined unless it says how. Pure. */
export function wishOf(host: HostConfig, joined: readonly (SeLinuxRecord | undefined)[]): LabelWish {
  const { labels } = parseSecurity(host.SecurityOpt ?? []);
  if (labels.length > 0) return labelWish(labels);
  if (host.Privileged || host.PidMode === 'host' || host.IpcMode === 'host') return { kind: 'disable' };
  const [first, ...others] = joined.map((one) => one?.process);
  if (others.some((label) => label !== first)) throw invalidConfig({ what: 'invalid container config', detail: "--ipc and --pid containers SELinux labels aren't the same" });
  const shared = first === undefined ? undefined : parseContext(first);
  if (!shared) return { kind: 'labels', process: {}, file: {} };
  return { kind: 'labels', process: shared, file: { user: shared.user, ...(shared.level === undefined ? {} : { level: shared.level }) } };
}

/** Labels of containers. Which categories are taken is written in the containers' own records. */
export class SeLinuxLabels {
  readonly #seLinux: SeLinux;
  readonly #store: Pick<ContainerStore, 'list' | 'find'>;
  /** Levels of containers that are being made. */
  readonly #making = new Map<string, string>();

  constructor(seLinux: SeLinux, store: Pick<ContainerStore, 'list' | 'find'>) {
    this.#seLinux = seLinux;
    this.#store = store;
  }

  get enabled(): boolean {
    return this.#seLinux.enabled;
  }

  /** For a new container; hold until `done`. Throws SELINUX_CONTEXT_UNKNOWN, INVALID_CONTAINER_CONFIG, NO_SUCH_CONTAINER. */
  async take(id: string, host: HostConfig): Promise<Pick<ContainerRecord, 'seLinux'>> {
    const { contexts } = this.#seLinux;
    if (!contexts) return {};
    const joined = [host.PidMode, host.IpcMode].flatMap((mode) => (mode?.startsWith('container:') ? [this.#store.find(mode.slice('container:'.length)).record.seLinux] : []));
    const wish = wishOf(host, joined);
    if (wish.kind === 'disable') return { seLinux: { mount: this.#seLinux.privateFiles } };
    const own = contexts.process.level === undefined ? {} : { level: wish.process.level ?? this.#level(id) };
    const [process, mount] = [{ ...contexts.process, ...own, ...wish.process }, { ...contexts.file, ...own, ...wish.file }].map(formatContext) as [string, string];
    await this.#seLinux.check(process, mount);
    return { seLinux: { process, mount } };
  }

  /** It is on record, or will not be. */
  done(id: string): void {
    this.#making.delete(id);
  }

  #level(id: string): string {
    const onRecord = this.#store.list().flatMap(({ record }) => parseContext(record.seLinux?.process ?? '')?.level ?? []);
    const level = freeLevel(new Set([...onRecord, ...this.#making.values()]), randomInt);
    if (level === undefined) throw invalidConfig({ what: 'SELinux', detail: 'every pair of categories is a container’s: remove some, or share a level (--security-opt label=level:s0:c1,c2)' });
    this.#making.set(id, level);
    return level;
  }
}

/** Labels what a container that starts is to reach of the host: its own files (or those of whose network it shares), its volumes, and binds that ask for it. */
export async function labelFiles({ record, paths }: Container, etc: EtcPaths): Promise<void> {
  if (!record.seLinux) return;
  const { mount } = record.seLinux;
  for (const path of [etc.hosts, etc.hostname, etc.resolvConf]) await setLabel(path, etc.hosts === paths.hosts ? mount : everybodys(mount));
  for (const one of record.mounts) {
    const label = labelFor(one, mount);
    if (label !== undefined) await (one.type === 'volume' ? setLabel(one.source, label) : relabel(one.source, label));
  }
}

/** The label that a mount's source gets: `Z` the container's alone, `z` that of all containers, which volumes have unless they say `Z`. Pure. */
export function labelFor({ type, mode }: Pick<MountPoint, 'type' | 'mode'>, mount: string): string | undefined {
  const options = mode.split(',');
  const own = options.includes('Z');
  if (type === 'tmpfs' || !(own || type === 'volume' || options.includes('z'))) return undefined;
  return own ? mount : everybodys(mount);
}

/** Of files that all containers may touch. */
function everybodys(mount: string): string {
  const context = parseContext(mount);
  return context?.level === undefined ? mount : formatContext({ ...context, level: 's0' });
}
