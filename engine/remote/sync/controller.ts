import type { Change, Entry, Outcome, ScanDelta } from '../../base/sync/entry.ts';
import { sameEntry } from '../../base/sync/entry.ts';
import { syncRootEmptied } from '../../base/sync/errors.ts';
import type { Wanted } from '../../base/sync/messages.ts';
import { conflictLabel, conflictPath, foldKey, foldersAbove } from '../../base/sync/paths.ts';
import { reconcile } from '../../base/sync/reconcile.ts';
import type { Conflict, Plan } from '../../base/sync/reconcile.ts';
import type { RuleSet } from '../../base/sync/ruleSet.ts';
import type { Side } from '../../base/sync/side.ts';
import { needsContent } from '../../base/replica/applier.ts';
import { hiddenPaths } from './hidden.ts';

/** The user's side: its ignore files make the rules for both. */
export interface LocalSide extends Side {
  readonly root: string;
  readonly rules: RuleSet | undefined;
}

export interface ControllerParts {
  readonly local: LocalSide;
  readonly remote: Side;
  readonly remoteRoot: string;
  /** Names for people and for the copies of conflicts. */
  readonly localName: string;
  readonly remoteName: string;
  /** What both sides had when they were last equal; kept up to date. */
  readonly ancestor: Map<string, Entry>;
}

export interface CycleReport {
  /** Changes made, here and there. */
  readonly toLocal: number;
  readonly toRemote: number;
  /** Paths found or made equal. */
  readonly agreed: number;
  /** Paths that are not equal yet, because they changed meanwhile or cannot be made so. */
  readonly pending: readonly string[];
  readonly conflicts: readonly Conflict[];
  /** Paths that are left alone, with the reason and the side it comes from. */
  /** Why changes are not noticed at once, where that is so. */
  readonly limited?: string;
  readonly problems: ReadonlyArray<{ readonly path: string; readonly side: 'local' | 'remote'; readonly detail: string }>;
}

type Name = 'local' | 'remote';

/** Looks at both sides, decides, carries content, makes changes. One cycle at a time. */
export class Controller {
  readonly #parts: ControllerParts;
  readonly #seen: Record<Name, Map<string, Entry>> = { local: new Map(), remote: new Map() };
  readonly #problems: Record<Name, ReadonlyMap<string, string>> = { local: new Map(), remote: new Map() };
  readonly #busy: Record<Name, readonly string[]> = { local: [], remote: [] };
  readonly #limited: Record<Name, string | undefined> = { local: undefined, remote: undefined };
  /** Paths where a side differs from the ancestor. */
  readonly #open = new Set<string>();
  #rules: string | undefined;
  #begun = false;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
  }

  /** `remote`: whether the other side is looked at too; it is when something was noticed there. */
  async cycle(options: { readonly full: boolean; readonly remote: boolean }): Promise<CycleReport> {
    await this.#look(options);
    this.#refuseEmptied();
    const hidden = hiddenPaths(this.#seen.local, this.#seen.remote, this.#parts.local.capabilities);
    const plan = this.#plan(hidden);
    const outcomes = await this.#carryOut(plan);
    const agreed = this.#agree(plan);
    return { ...this.#report(plan, outcomes, hidden), agreed };
  }

  async #look({ full, remote }: { readonly full: boolean; readonly remote: boolean }): Promise<void> {
    const { local } = this.#parts;
    const here = await local.scan({ full });
    const rules = local.rules;
    const digest = rules?.digest ?? 'none';
    const changed = digest !== this.#rules;
    if (changed && rules) this.#forgetIgnored(rules);
    const there = changed || remote || full || !this.#begun ? await this.#parts.remote.scan({ full, ...(changed && rules ? { rules: rules.data() } : {}) }) : undefined;
    // Only now: had the other side not answered, it would have to be told the rules again.
    this.#rules = digest;
    this.#begun = true;
    this.#merge('local', here);
    if (there) this.#merge('remote', there);
  }

  #merge(side: Name, delta: ScanDelta): void {
    const { ancestor } = this.#parts;
    const known = this.#seen[side];
    const changes = delta.changes.map(([path, entry]) => [path, entry && this.#withModes(side, path, entry)] as const);
    if (delta.full) {
      const now = new Map(changes.flatMap(([path, entry]) => (entry === undefined ? [] : [[path, entry] as const])));
      for (const path of new Set([...now.keys(), ...ancestor.keys(), ...known.keys()])) if (!sameEntry(now.get(path), ancestor.get(path))) this.#open.add(path);
      this.#seen[side] = now;
    } else {
      for (const [path, entry] of changes) {
        if (entry === undefined) known.delete(path);
        else known.set(path, entry);
        this.#open.add(path);
      }
    }
    this.#problems[side] = new Map(delta.problems);
    this.#busy[side] = delta.busy;
    this.#limited[side] = delta.limited;
  }

  /** A side that keeps no permissions says what the other one has. */
  #withModes(side: Name, path: string, entry: Entry): Entry {
    if (entry.kind === 'link' || this.#parts[side].capabilities.modes) return entry;
    for (const known of [this.#parts.ancestor, this.#seen[side === 'local' ? 'remote' : 'local']]) {
      const before = known.get(path);
      if (before?.kind === entry.kind) return { ...entry, mode: before.mode };
    }
    return entry;
  }

  /** What is left out from now on was not removed. */
  #forgetIgnored(rules: RuleSet): void {
    const { ancestor } = this.#parts;
    const folders = new Map<string, boolean>([['', false]]);
    const isOut = (folder: string): boolean => {
      const known = folders.get(folder);
      if (known !== undefined) return known;
      const [above = ''] = foldersAbove(folder);
      const out = isOut(above) || (rules.ignores(folder, true) && !rules.mayKeepBelow(folder));
      folders.set(folder, out);
      return out;
    };
    for (const [path, { kind }] of [...ancestor]) {
      const [above = ''] = foldersAbove(path);
      if (kind === 'folder' ? isOut(path) : isOut(above) || rules.ignores(path, false)) ancestor.delete(path);
    }
  }

  #refuseEmptied(): void {
    const { ancestor, local, remoteRoot, localName, remoteName } = this.#parts;
    if (ancestor.size < 2) return;
    for (const side of ['local', 'remote'] as const) {
      const other = this.#seen[side === 'local' ? 'remote' : 'local'];
      if (this.#seen[side].size > 0 || other.size === 0) continue;
      throw syncRootEmptied({ path: side === 'local' ? local.root : remoteRoot, side: side === 'local' ? localName : remoteName, count: ancestor.size });
    }
  }

  #plan(hidden: ReadonlyMap<string, string>): Plan {
    const alone = new Set([...this.#problems.local.keys(), ...this.#problems.remote.keys(), ...hidden.keys(), ...this.#busy.local, ...this.#busy.remote]);
    const { ancestor, localName, remoteName, local } = this.#parts;
    const blocked = (path: string): boolean => {
      if (alone.size === 0) return false;
      if (alone.has(path) || alone.has('')) return true;
      for (const folder of foldersAbove(path)) if (alone.has(folder)) return true;
      return false;
    };
    const now = new Date();
    return reconcile({
      ancestor,
      local: this.#seen.local,
      remote: this.#seen.remote,
      candidates: this.#open,
      blocked,
      copyPath: (path, loser, taken) => conflictPath(path, conflictLabel(loser === 'local' ? localName : remoteName, now), (other) => taken(other) || (local.capabilities.caseInsensitive && this.#isTakenHere(foldKey(other, local.capabilities)))),
    });
  }

  #isTakenHere(key: string): boolean {
    for (const path of this.#seen.local.keys()) if (foldKey(path, this.#parts.local.capabilities) === key) return true;
    return false;
  }

  async #carryOut(plan: Plan): Promise<Record<Name, readonly Outcome[]>> {
    const { local, remote } = this.#parts;
    const origins = new Map(plan.conflicts.map(({ path, copy }) => [copy, path]));
    const isFirst = this.#parts.ancestor.size === 0;
    await transfer({ from: local, to: remote, changes: plan.remote, origins, keepTimes: isFirst });
    await transfer({ from: remote, to: local, changes: plan.local, origins, keepTimes: isFirst });
    const there = plan.remote.length > 0 ? await remote.apply(plan.remote) : [];
    const here = plan.local.length > 0 ? await local.apply(plan.local) : [];
    this.#take('remote', plan.remote, there);
    this.#take('local', plan.local, here);
    return { local: here, remote: there };
  }

  #take(side: Name, changes: readonly Change[], outcomes: readonly Outcome[]): void {
    changes.forEach(({ path, to }, index) => {
      this.#open.add(path);
      if (outcomes[index]?.kind !== 'done') return;
      if (to === undefined) this.#seen[side].delete(path);
      else this.#seen[side].set(path, to);
    });
  }

  #agree(plan: Plan): number {
    let agreed = 0;
    const { ancestor } = this.#parts;
    for (const path of [...plan.agreed, ...plan.local.map((change) => change.path), ...plan.remote.map((change) => change.path)]) {
      const entry = this.#seen.local.get(path);
      if (!sameEntry(entry, this.#seen.remote.get(path))) continue;
      if (entry === undefined) ancestor.delete(path);
      else ancestor.set(path, entry);
      this.#open.delete(path);
      agreed++;
    }
    return agreed;
  }

  #limits(): { limited?: string } {
    const { localName, remoteName } = this.#parts;
    const reasons = [[localName, this.#limited.local], [remoteName, this.#limited.remote]].flatMap(([name, reason]) => (reason === undefined ? [] : [`changes on ${name ?? ''} are looked for every few seconds: ${reason}`]));
    return reasons.length === 0 ? {} : { limited: reasons.join('; ') };
  }

  #report(plan: Plan, outcomes: Record<Name, readonly Outcome[]>, hidden: ReadonlyMap<string, string>): Omit<CycleReport, 'agreed'> {
    const failed = (['local', 'remote'] as const).flatMap((side) => plan[side].flatMap(({ path }, index) => {
      const outcome = outcomes[side][index];
      return outcome?.kind === 'problem' ? [{ path, side, detail: outcome.detail }] : [];
    }));
    const found = (['local', 'remote'] as const).flatMap((side) => [...this.#problems[side]].map(([path, detail]) => ({ path, side, detail })));
    const busy = new Set([...this.#busy.local, ...this.#busy.remote]);
    return {
      toLocal: outcomes.local.filter(({ kind }) => kind === 'done').length,
      toRemote: outcomes.remote.filter(({ kind }) => kind === 'done').length,
      pending: [...this.#open].filter((path) => !isIn(path, hidden) && !isIn(path, busy) && !isIn(path, this.#problems.local) && !isIn(path, this.#problems.remote) && !failed.some((problem) => problem.path === path)),
      conflicts: plan.conflicts,
      ...this.#limits(),
      problems: [...found, ...[...hidden].map(([path, detail]) => ({ path, side: 'local' as const, detail })), ...failed, ...[...busy].map((path) => ({ path, side: 'local' as const, detail: 'git is at work: it follows when git has finished' }))],
    };
  }
}

function isIn(path: string, alone: { has(path: string): boolean }): boolean {
  if (alone.has(path)) return true;
  for (const folder of foldersAbove(path)) if (alone.has(folder)) return true;
  return false;
}

interface Transfer {
  readonly from: Side;
  readonly to: Side;
  readonly changes: readonly Change[];
  /** Where the content of a conflict's copy is. */
  readonly origins: ReadonlyMap<string, string>;
  readonly keepTimes: boolean;
}

async function transfer({ from, to, changes, origins, keepTimes }: Transfer): Promise<void> {
  const wanted: Wanted[] = [];
  for (const change of changes) if (needsContent(change.from, change.to)) wanted.push({ path: change.path, digest: change.to.digest, size: change.to.size, mode: change.to.mode });
  if (wanted.length === 0) return;
  const needs = await to.stage(wanted, { keepTimes });
  if (needs.length === 0) return;
  const located = needs.map((need) => ({ ...need, path: origins.get(need.path) ?? need.path }));
  await to.receive(from.supply(located));
}
