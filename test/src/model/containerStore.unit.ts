import assert from 'node:assert/strict';
import type { EngineEvent } from '../../../engine/api/docker/event.ts';
import { effectOf } from '../../../src/model/containerEvents.ts';
import { ContainerStore } from '../../../src/model/containerStore.ts';
import type { ContainerChange } from '../../../src/model/containerStore.ts';
import { toContainerState } from '../../../src/model/containerState.ts';
import type { Container } from '../../../src/model/containerState.ts';

const container = (id: string, over: Partial<Container> = {}): Container => ({ id, name: id, image: 'i', state: 'running', created: 1, ports: [], labels: {}, ...over });

function watched(): { store: ContainerStore; changes: ContainerChange[] } {
  const store = new ContainerStore();
  const changes: ContainerChange[] = [];
  store.onChange((change) => changes.push(change));
  return { store, changes };
}

describe('the store of containers', () => {
  it('announces one row when one row changed, and nothing when nothing did', () => {
    const { store, changes } = watched();
    store.put(container('a'));
    store.put(container('a', { state: 'exited' }));
    store.put(container('a', { state: 'exited' }));
    assert.deepEqual(changes, [{ kind: 'list' }, { kind: 'item', id: 'a' }]);
  });

  it('is sorted by name, so a new name is a new list', () => {
    const { store, changes } = watched();
    store.replaceAll([container('b'), container('a')]);
    store.put(container('a', { name: 'z' }));
    assert.deepEqual(store.all().map((item) => item.name), ['b', 'z']);
    assert.deepEqual(changes, [{ kind: 'list' }, { kind: 'list' }]);
  });

  it('counts only running containers', () => {
    const { store } = watched();
    store.replaceAll([container('a'), container('b', { state: 'paused' }), container('c', { state: 'exited' })]);
    assert.equal(store.running(), 1);
  });

  it('emptying an empty store announces nothing', () => {
    const { store, changes } = watched();
    store.replaceAll([]);
    store.remove('a');
    assert.deepEqual(changes, []);
  });
});

describe('what an event means for the list', () => {
  const event = (Type: EngineEvent['Type'], Action: string): EngineEvent => ({ Type, Action, Actor: { ID: 'x', Attributes: {} }, time: 0, timeNano: 0 });

  it('destroy removes the row, a change of state looks again, processes inside mean nothing', () => {
    assert.deepEqual(effectOf(event('container', 'destroy')), { kind: 'remove', id: 'x' });
    for (const action of ['create', 'start', 'die', 'stop', 'pause', 'unpause', 'rename', 'restart']) assert.deepEqual(effectOf(event('container', action)), { kind: 'look', id: 'x' }, action);
    for (const action of ['exec_create: sh', 'exec_start: sh', 'exec_die', 'attach', 'resize', 'top']) assert.deepEqual(effectOf(event('container', action)), { kind: 'none' }, action);
  });

  it('events of images and networks mean nothing to it', () => {
    assert.deepEqual(effectOf(event('image', 'pull')), { kind: 'none' });
    assert.deepEqual(effectOf(event('network', 'destroy')), { kind: 'none' });
  });
});

describe('the words for states', () => {
  it('a word that is not known is unknown, not an error', () => {
    assert.equal(toContainerState('running'), 'running');
    assert.equal(toContainerState('stopping'), 'unknown');
  });
});
