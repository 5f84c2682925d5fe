import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Change, Entry } from '../../../../engine/base/sync/entry.ts';
import { sameEntry } from '../../../../engine/base/sync/entry.ts';
import { inOrder } from '../../../../engine/base/sync/applyOrder.ts';
import { conflictPath, parentOf } from '../../../../engine/base/sync/paths.ts';
import { reconcile } from '../../../../engine/base/sync/reconcile.ts';
import type { Plan } from '../../../../engine/base/sync/reconcile.ts';

const folder = (mode = 0o755): Entry => ({ kind: 'folder', mode });
const file = (digest: string, mode = 0o644): Entry => ({ kind: 'file', mode, size: digest.length, digest });
const tree = (entries: Record<string, Entry>): Map<string, Entry> => new Map(Object.entries(entries));
type Tree = Map<string, Entry>;
const posix = { caseInsensitive: false, normalizing: false };

function planOf(ancestor: Tree, local: Tree, remote: Tree, blocked: (path: string) => boolean = () => false): Plan {
  const candidates = new Set([...ancestor.keys(), ...local.keys(), ...remote.keys()]);
  return reconcile({ ancestor, local, remote, candidates, blocked, copyPath: (path, _loser, taken) => conflictPath(path, 'host-1', taken) });
}

/** Makes changes as a side does, one at a time and in order; what a file system would refuse is an error. */
function applyTo(side: Tree, changes: readonly Change[]): void {
  for (const { path, from, to } of inOrder(changes, posix)) {
    assert.ok(sameEntry(side.get(path), from), `${path} is not what the plan thinks`);
    const below = [...side.keys()].some((other) => other.startsWith(`${path}/`));
    if (to === undefined || to.kind !== 'folder') assert.ok(!below, `${path} is removed or replaced while something is in it`);
    if (to !== undefined && parentOf(path) !== '') assert.equal(side.get(parentOf(path))?.kind, 'folder', `${path} has no folder`);
    if (to === undefined) side.delete(path);
    else side.set(path, to);
  }
}

const names = fc.constantFrom('a', 'b', 'c');
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const edits = fc.array(fc.tuple(paths, fc.constantFrom('write', 'folder', 'link', 'remove', 'chmod'), fc.nat(6)), { maxLength: 12 });

/** A tree after edits as a person makes them; parents come into being, what is in the way goes. */
function edited(before: Tree, steps: ReadonlyArray<readonly [string, string, number]>): Tree {
  const after = new Map(before);
  const clear = (path: string): void => {
    for (const other of [...after.keys()]) if (other === path || other.startsWith(`${path}/`)) after.delete(other);
  };
  for (const [path, what, seed] of steps) {
    const there = after.get(path);
    if (what === 'chmod') {
      if (there !== undefined && there.kind !== 'link') after.set(path, { ...there, mode: 0o700 + seed });
      continue;
    }
    clear(path);
    if (what === 'remove') continue;
    const parts = path.split('/').slice(0, -1);
    parts.forEach((_, index) => {
      const above = parts.slice(0, index + 1).join('/');
      if (after.get(above)?.kind !== 'folder') after.set(above, folder());
    });
    after.set(path, what === 'write' ? file(`content ${seed}`) : what === 'link' ? { kind: 'link', target: `to ${seed}` } : folder());
  }
  return after;
}

const contents = (side: Tree): Set<string> => new Set([...side.values()].flatMap((entry) => (entry.kind === 'file' ? [entry.digest] : entry.kind === 'link' ? [entry.target] : [])));
const plain = (side: Tree): Record<string, Entry> => Object.fromEntries([...side].sort(([a], [b]) => (a < b ? -1 : 1)));

describe('reconciling two folders', () => {
  const before = tree({ d: folder(), 'd/x': file('x'), f: file('f') });

  it('does on the other side what only one side changed', () => {
    const local = tree({ d: folder(), 'd/x': file('x2'), f: file('f', 0o755) });
    const plan = planOf(before, local, before);
    assert.deepEqual(plan.local, []);
    assert.deepEqual(plan.remote.map(({ path }) => path).sort(), ['d/x', 'f']);
  });

  it('keeps a change against a removal, with its folders', () => {
    const plan = planOf(before, tree({ f: file('f') }), tree({ d: folder(), 'd/x': file('x2'), f: file('f') }));
    assert.deepEqual(plan.remote, []);
    assert.deepEqual(plan.local.map(({ path, to }) => [path, to?.kind]).sort(), [['d', 'folder'], ['d/x', 'file']]);
    assert.deepEqual(plan.conflicts, []);
  });

  it("keeps both versions of a file that both changed: the user's in place, the host's beside it", () => {
    const plan = planOf(before, tree({ ...plain(before), f: file('mine') }), tree({ ...plain(before), f: file('theirs') }));
    assert.deepEqual(plan.conflicts, [{ path: 'f', copy: 'f.conflict-host-1', loser: 'remote' }]);
    assert.deepEqual(plan.local, [{ path: 'f.conflict-host-1', from: undefined, to: file('theirs') }]);
    assert.deepEqual(inOrder(plan.remote, posix).map(({ path }) => path), ['f.conflict-host-1', 'f']);
  });

  it('merges a new content of one side with new permissions of the other', () => {
    const plan = planOf(before, tree({ ...plain(before), f: file('f', 0o755) }), tree({ ...plain(before), f: file('f', 0o600), d: folder(0o700) }));
    assert.deepEqual(plan.conflicts, []);
    assert.deepEqual(plan.remote.map(({ to }) => to), [file('f', 0o755)]);
    assert.deepEqual(plan.local.map(({ to }) => to), [folder(0o700)]);
  });

  it('moves a file that took the place of a folder out of the way of what changed in the folder', () => {
    const local = tree({ d: file('now a file'), f: file('f') });
    const remote = tree({ ...plain(before), 'd/new': file('new') });
    const plan = planOf(before, local, remote);
    applyTo(local, plan.local);
    applyTo(remote, plan.remote);
    assert.deepEqual(plain(local), plain(remote));
    assert.deepEqual(plain(local), { d: folder(), 'd/new': file('new'), 'd.conflict-host-1': file('now a file'), f: file('f') });
  });

  it("keeps a lost version of git's own files where git does not take it for a branch", () => {
    const head = tree({ '.git': folder(), '.git/refs': folder(), '.git/refs/main': file('1') });
    const plan = planOf(head, tree({ ...plain(head), '.git/refs/main': file('2') }), tree({ ...plain(head), '.git/refs/main': file('3') }));
    assert.deepEqual(plan.conflicts.map(({ copy }) => copy), ['.git/berth-conflicts/host-1/refs/main']);
  });

  it('leaves alone what could not be looked at, on both sides', () => {
    const plan = planOf(before, tree({ f: file('f') }), tree({ ...plain(before), f: file('f2') }), (path) => path === 'd' || path.startsWith('d/'));
    assert.deepEqual(plan.remote, []);
    assert.deepEqual(plan.local.map(({ path }) => path), ['f']);
  });

  it('makes both sides equal at once, whatever was done on them, with changes a file system takes in that order', () => {
    fc.assert(
      fc.property(edits, edits, edits, (first, mine, theirs) => {
        const ancestor = edited(new Map(), first);
        const local = edited(ancestor, mine);
        const remote = edited(ancestor, theirs);
        const plan = planOf(ancestor, local, remote);
        applyTo(local, plan.local);
        applyTo(remote, plan.remote);
        assert.deepEqual(plain(local), plain(remote));
        const again = planOf(new Map(local), local, remote);
        assert.deepEqual([again.local, again.remote], [[], []]);
      }),
      { numRuns: 2000 },
    );
  });

  it('loses nothing: what a side wrote after both were equal is somewhere afterwards', () => {
    fc.assert(
      fc.property(edits, edits, edits, (first, mine, theirs) => {
        const ancestor = edited(new Map(), first);
        const local = edited(ancestor, mine);
        const remote = edited(ancestor, theirs);
        const written = [local, remote].flatMap((side) => [...contents(new Map([...side].filter(([path, entry]) => !sameEntry(entry, ancestor.get(path)) && !sameContent(entry, ancestor.get(path)))))]);
        const plan = planOf(ancestor, local, remote);
        applyTo(local, plan.local);
        applyTo(remote, plan.remote);
        assert.deepEqual([...new Set(written)].filter((content) => !contents(local).has(content)), []);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves an unchanged side alone where the other did nothing either', () => {
    fc.assert(fc.property(edits, (first) => {
      const ancestor = edited(new Map(), first);
      const { local, remote, conflicts } = planOf(ancestor, new Map(ancestor), new Map(ancestor));
      assert.deepEqual([local, remote, conflicts], [[], [], []]);
    }));
  });
});

function sameContent(one: Entry, other: Entry | undefined): boolean {
  return one.kind === 'file' && other?.kind === 'file' && one.digest === other.digest;
}
