import { readFile } from 'node:fs/promises';
import type { HostConfig } from '../api/docker/container.ts';
import { inUserNamespace } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './containerStore.ts';
import { invalidConfig, noIdRange } from './errors.ts';
import type { HostIds } from './record.ts';

/** Whose lines of /etc/subuid and /etc/subgid are shared out with `--userns=auto`; the second is podman's name. */
const POOL = ['berth', 'containers'];
/** Ids of a container that does not say how many it wants: nobody (65534) is among them. */
const USUAL_SIZE = 65_536;

/** What a container wants of user namespaces. */
export type UsernsWish = { readonly kind: 'none' } | { readonly kind: 'remap' } | { readonly kind: 'auto'; readonly size: number };

/** Reads `--userns` beside the engine's setting. Pure. Throws INVALID_CONTAINER_CONFIG. */
export function usernsWish(mode: string, setting: string): UsernsWish {
  const auto = { kind: 'auto', size: USUAL_SIZE } as const;
  const general: UsernsWish = setting === '' ? { kind: 'none' } : setting === 'auto' ? auto : { kind: 'remap' };
  if (mode === '') return general;
  if (mode === 'host') return { kind: 'none' };
  if (mode === 'private') return general.kind === 'none' ? auto : general;
  if (mode === 'remap') return { kind: 'remap' };
  const [, size] = /^auto(?::size=(\d+))?$/.exec(mode) ?? [];
  if (mode !== 'auto' && (size === undefined || Number(size) < 1)) throw invalidConfig({ what: 'invalid userns mode', detail: `"${mode}": host, private, auto, auto:size=N or remap` });
  return { kind: 'auto', size: size === undefined ? USUAL_SIZE : Number(size) };
}

/** The id ranges of some names in the text of /etc/subuid or /etc/subgid. Pure. */
export function rangesOf(text: string, names: readonly string[]): HostIds[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', first = '', size = ''] = line.trim().split(':');
    return names.includes(name) && /^\d+$/.test(first) && /^\d+$/.test(size) && Number(first) > 0 && Number(size) > 0 ? [{ first: Number(first), size: Number(size) }] : [];
  });
}

/** What is in both lists. Pure. */
export function common(one: readonly HostIds[], other: readonly HostIds[]): HostIds[] {
  return one.flatMap((a) =>
    other.flatMap((b) => {
      const first = Math.max(a.first, b.first);
      const end = Math.min(a.first + a.size, b.first + b.size);
      return end > first ? [{ first, size: end - first }] : [];
    }),
  );
}

/** The lowest `size` ids of the pool that none of `used` has. Pure. */
export function freeRange(pool: readonly HostIds[], used: readonly HostIds[], size: number): HostIds | undefined {
  const starts = [...pool.map(({ first }) => first), ...used.map((one) => one.first + one.size)].sort((a, b) => a - b);
  const fits = (first: number): boolean => pool.some((span) => first >= span.first && first + size <= span.first + span.size) && used.every((one) => first + size <= one.first || first >= one.first + one.size);
  const first = starts.find(fits);
  return first === undefined ? undefined : { first, size };
}

/** Hands out ranges of the host's ids. Which are taken is what the containers' records say, so a killed engine forgets none and leaks none. */
export class IdRanges {
  readonly setting: string;
  readonly #pool: string;
  readonly #store: ContainerStore;
  /** Of containers that are being created. */
  readonly #pending = new Map<string, HostIds>();

  /** `setting`, `pool`: as in the engine's configuration. */
  constructor(setting: string, pool: string, store: ContainerStore) {
    this.#pool = pool;
    this.setting = setting;
    this.#store = store;
  }

  /** The ids that a new container gets; `undefined`: the engine's own. `done` once its record is written, or it came to nothing. Throws NO_ID_RANGE, INVALID_CONTAINER_CONFIG. */
  async take(id: string, host: HostConfig): Promise<HostIds | undefined> {
    const wish = usernsWish(host.UsernsMode ?? '', this.setting);
    const joined = joinedContainers(this.#store, host);
    if (joined.length > 0 && (wish.kind !== 'none' || joined.some(({ record }) => record.idRange))) return sharedRange(joined, host);
    if (wish.kind === 'none') return undefined;
    checkPossible(host);
    const [subuid, subgid] = await Promise.all(['/etc/subuid', '/etc/subgid'].map((path) => readFile(path, 'utf8').catch(() => '')));
    const remap = this.setting === '' || this.setting === 'auto' ? undefined : remapRange(subuid ?? '', subgid ?? '', this.setting);
    if (wish.kind === 'remap') {
      if (!remap) throw noIdRange({ who: this.setting === '' ? 'BERTH_USERNS_REMAP, which is not set,' : this.setting, size: USUAL_SIZE });
      return remap;
    }
    const pool = this.#pool === '' ? common(rangesOf(subuid ?? '', POOL), rangesOf(subgid ?? '', POOL)) : rangesOf(this.#pool.split(',').map((span) => `pool:${span}`).join('\n'), ['pool']);
    // From here to the note that it is taken nothing waits: two containers never get the same.
    const used = [...this.#store.list().flatMap(({ record }) => record.idRange ?? []), ...this.#pending.values(), ...(remap ? [remap] : [])];
    const range = freeRange(pool, used, wish.size);
    if (!range) throw noIdRange({ who: 'berth', size: wish.size });
    this.#pending.set(id, range);
    return range;
  }

  done(id: string): void {
    this.#pending.delete(id);
  }
}

/** The range that all containers share under `userns-remap`: the first of the user that is the group's too. */
function remapRange(subuid: string, subgid: string, setting: string): HostIds | undefined {
  const [user, group = user] = (setting === 'default' ? 'berth' : setting).split(':');
  return common(rangesOf(subuid, [user ?? '']), rangesOf(subgid, [group ?? '']))[0];
}

/** The containers whose namespaces a new one joins. */
export function joinedContainers(store: Pick<ContainerStore, 'find'>, host: HostConfig): Container[] {
  return [host.NetworkMode, host.PidMode, host.IpcMode].flatMap((mode) => (mode?.startsWith('container:') ? [store.find(mode.slice('container:'.length))] : []));
}

/** Who shares namespaces shares the user namespace that these belong to. */
function sharedRange(joined: readonly Container[], host: HostConfig): HostIds | undefined {
  const [first] = joined;
  const range = first?.record.idRange;
  const differs = joined.some(({ record }) => record.idRange?.first !== range?.first || record.idRange?.size !== range?.size);
  const refused = host.UsernsMode && (host.UsernsMode === 'host') !== (range === undefined);
  if (differs || refused) throw invalidConfig({ what: 'invalid userns mode', detail: `a container that joins namespaces of ${joined.map(({ record }) => record.name).join(' and ')} is in the same user namespace: leave --userns out` });
  if (range) checkPossible(host);
  return range;
}

/** As Docker has it. */
function checkPossible(host: HostConfig): void {
  const fail = (what: string): never => {
    throw invalidConfig({ what: 'invalid container config', detail: what });
  };
  if (inUserNamespace()) fail('user namespaces of containers need an engine with root: this one is in a user namespace already');
  if (host.Privileged) fail('privileged mode is incompatible with user namespaces: run the container in the host namespace (--userns=host)');
  if (host.NetworkMode === 'host') fail("cannot share the host's network namespace when user namespaces are enabled");
  if (host.PidMode === 'host') fail("cannot share the host's PID namespace when user namespaces are enabled");
  if ((host.Mounts ?? []).some(({ BindOptions }) => BindOptions?.Idmap)) fail('an idmapped bind and a user namespace exclude one another: run the container in the host namespace (--userns=host)');
}
