import { readFile } from 'node:fs/promises';
import type { HostConfig } from '../api/docker/container.ts';
import { engineUser } from '../host/keepId.ts';
import { inUserNamespace } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './containerStore.ts';
import { invalidConfig, noIdRange } from './errors.ts';
import { keptIds } from './ownIds.ts';
import type { ContainerRecord, HostIds } from './record.ts';

/** Whose lines of /etc/subuid and /etc/subgid are shared out with `--userns=auto`; the second is podman's name. */
const POOL = ['berth', 'containers'];
/** Ids of a container that does not say how many it wants: nobody (65534) is among them. */
const USUAL_SIZE = 65_536;

/** What a container wants of user namespaces. */
export type UsernsWish = { readonly kind: 'none' } | { readonly kind: 'remap' } | { readonly kind: 'auto'; readonly size: number } | { readonly kind: 'keep-id'; readonly uid?: number; readonly gid?: number };

/** What a container gets of its own. */
export type OwnIdsRecord = Pick<ContainerRecord, 'idRange' | 'keepId'>;

/** Reads `--userns` beside the engine's setting. Pure. Throws INVALID_CONTAINER_CONFIG. */
export function usernsWish(mode: string, setting: string): UsernsWish {
  const auto = { kind: 'auto', size: USUAL_SIZE } as const;
  const general: UsernsWish = setting === '' ? { kind: 'none' } : setting === 'auto' ? auto : { kind: 'remap' };
  if (mode === '') return general;
  if (mode === 'host') return { kind: 'none' };
  if (mode === 'private') return general.kind === 'none' ? auto : general;
  if (mode === 'remap') return { kind: 'remap' };
  if (/^keep-id(:|$)/.test(mode)) return keepIdWish(mode);
  const [, size] = /^auto(?::size=(\d+))?$/.exec(mode) ?? [];
  if (mode !== 'auto' && (size === undefined || Number(size) < 1)) throw invalidConfig({ what: 'invalid userns mode', detail: `"${mode}": host, private, auto, auto:size=N, keep-id, keep-id:uid=N,gid=N or remap` });
  return { kind: 'auto', size: size === undefined ? USUAL_SIZE : Number(size) };
}

/** As Podman writes it: `keep-id`, with `:uid=N`, `:gid=N` or both. */
function keepIdWish(mode: string): UsernsWish {
  if (!/^keep-id(:[ug]id=\d{1,10}(,[ug]id=\d{1,10})?)?$/.test(mode)) throw invalidConfig({ what: 'invalid userns mode', detail: `"${mode}": keep-id, keep-id:uid=N or keep-id:uid=N,gid=N` });
  const options = mode.split(/[:,]/).slice(1);
  return { kind: 'keep-id', ...Object.fromEntries(options.map((option) => [option.slice(0, 3), Number(option.slice(4))])) };
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

  /** The ids that a new container gets; none: the engine's own. `done` once its record is written, or it came to nothing. Throws NO_ID_RANGE, KEEP_ID_IMPOSSIBLE, INVALID_CONTAINER_CONFIG. */
  async take(id: string, host: HostConfig): Promise<OwnIdsRecord> {
    const wish = usernsWish(host.UsernsMode ?? '', this.setting);
    const joined = joinedContainers(this.#store, host);
    if (joined.length > 0 && (wish.kind !== 'none' || joined.some(({ record }) => record.idRange ?? record.keepId))) return sharedIds(joined, host);
    if (wish.kind === 'none') return {};
    if (wish.kind === 'keep-id') return keptId(wish);
    checkPossible(host);
    return { idRange: await this.#range(id, wish) };
  }

  async #range(id: string, wish: Exclude<UsernsWish, { readonly kind: 'none' | 'keep-id' }>): Promise<HostIds> {
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

/** With root there is nothing to keep: every id of a container is itself outside, as Podman has it too. Throws KEEP_ID_IMPOSSIBLE. */
function keptId({ uid, gid }: { readonly uid?: number; readonly gid?: number }): OwnIdsRecord {
  if (!inUserNamespace()) return {};
  const keepId = { ...engineUser(), ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  keptIds(keepId);
  return { keepId };
}

/** Who shares namespaces shares the user namespace that these belong to. */
function sharedIds(joined: readonly Container[], host: HostConfig): OwnIdsRecord {
  const [first] = joined;
  const { idRange, keepId } = first?.record ?? {};
  const same = (record: OwnIdsRecord): boolean => record.idRange?.first === idRange?.first && record.idRange?.size === idRange?.size && record.keepId?.uid === keepId?.uid && record.keepId?.gid === keepId?.gid;
  const wish = usernsWish(host.UsernsMode ?? '', '');
  const kept = wish.kind === 'keep-id' ? keptId(wish) : undefined;
  const differs = !joined.every(({ record }) => same(record)) || (kept !== undefined && !same(kept));
  const refused = host.UsernsMode && (host.UsernsMode === 'host') !== (idRange === undefined && keepId === undefined);
  if (differs || refused) throw invalidConfig({ what: 'invalid userns mode', detail: `a container that joins namespaces of ${joined.map(({ record }) => record.name).join(' and ')} is in the same user namespace: leave --userns out` });
  if (idRange) checkPossible(host);
  return { ...(idRange ? { idRange } : {}), ...(keepId ? { keepId } : {}) };
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
