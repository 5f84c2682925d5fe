import assert from 'node:assert/strict';
import { ContainerStore } from '../../../src/model/containerStore.ts';
import type { Container } from '../../../src/model/containerState.ts';
import { DevContainerStore } from '../../../src/model/devContainerStore.ts';
import type { DevContainerChange } from '../../../src/model/devContainerStore.ts';
import { configFileLabel, devContainerKey, devContainersOf, localFolderLabel } from '../../../src/model/devContainers.ts';

const file = '/w/hello/.devcontainer/devcontainer.json';
const config = { folder: '/w/hello', file, name: 'hello' };
const container = (id: string, state: Container['state'], created: number, labels: Record<string, string> = { [localFolderLabel]: '/w/hello', [configFileLabel]: file }): Container => ({ id, name: id, image: 'i', state, created, ports: [], labels });

describe('dev containers of a workspace', () => {
  it('a definition without a container is absent', () => {
    const [item] = devContainersOf([config], [], []);
    assert.equal(item?.state, 'absent');
    assert.equal(item?.name, 'hello');
  });

  it('takes state and container from the container with its labels, and leaves ordinary containers out', () => {
    const items = devContainersOf([config], [container('a', 'running', 1), container('b', 'running', 1, {})], []);
    assert.deepEqual(items.map((item) => [item.state, item.container?.id]), [['running', 'a']]);
  });

  it('of several containers of one definition shows the running one, else the newest', () => {
    assert.equal(devContainersOf([], [container('old', 'running', 1), container('new', 'exited', 2)], [])[0]?.container?.id, 'old');
    assert.equal(devContainersOf([], [container('old', 'exited', 1), container('new', 'exited', 2)], [])[0]?.container?.id, 'new');
  });

  it('shows dev containers of other folders by the name of the folder', () => {
    assert.deepEqual(devContainersOf([], [container('a', 'exited', 1)], []).map((item) => [item.name, item.folder, item.file]), [['hello', '/w/hello', file]]);
  });

  it('an up under way makes it busy and keeps its container', () => {
    const [item] = devContainersOf([config], [container('a', 'exited', 1)], [{ config, step: 'building' }]);
    assert.deepEqual([item?.state, item?.step, item?.container?.id], ['busy', 'building', 'a']);
  });

  it('an up of a folder without a definition named is of the dev container that is known of it', () => {
    const items = devContainersOf([], [container('a', 'running', 1)], [{ config: { folder: config.folder, file: '' }, step: 'building' }], 'box');
    assert.deepEqual(items.map(({ host, state, file: of }) => [host, state, of]), [['box', 'busy', file]]);
  });
});

describe('the store of dev containers', () => {
  it('announces a change of one item as that item, and of the list as the list', () => {
    const containers = new ContainerStore();
    const store = new DevContainerStore(containers);
    const changes: DevContainerChange[] = [];
    store.onChange((change) => changes.push(change));
    store.setConfigs([config]);
    containers.put(container('a', 'created', 1));
    containers.put(container('a', 'running', 1));
    containers.put(container('other', 'running', 1, {}));
    const key = devContainerKey('/w/hello', file);
    assert.deepEqual(changes, [{ kind: 'list' }, { kind: 'item', key }, { kind: 'item', key }]);
    assert.equal(store.get(key)?.state, 'running');
  });
});
