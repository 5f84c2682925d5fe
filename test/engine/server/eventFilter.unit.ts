import assert from 'node:assert/strict';
import { EventBus } from '../../../engine/base/eventBus.ts';
import { eventSchema } from '../../../engine/api/docker/event.ts';
import { eventMatcher, toDockerEvent } from '../../../engine/server/routes/docker/eventFilter.ts';

describe('GET /events filters', () => {
  const bus = new EventBus();
  bus.publish('container', 'exec_start: ls', 'abcdef012345', { name: 'web', image: 'debian', tier: 'front' });
  const event = bus.recent()[0];
  assert.ok(event);

  const table: Array<[object, boolean]> = [
    [{}, true],
    [{ type: ['container'] }, true],
    [{ type: { image: true, container: true } }, true],
    [{ type: ['image'] }, false],
    [{ event: ['exec_start'] }, true],
    [{ event: ['start'] }, false],
    [{ container: ['web'] }, true],
    [{ container: ['abcdef'] }, true],
    [{ container: ['other'] }, false],
    [{ image: ['debian'] }, true],
    [{ label: ['tier=front'] }, true],
    [{ label: ['tier=back'] }, false],
    [{ type: ['container'], container: ['nope', 'web'] }, true],
    [{ scope: ['local'] }, true],
    [{ scope: ['swarm'] }, false],
    [{ daemon: ['web'] }, false],
    ...['plugin', 'service', 'node', 'secret', 'config', 'volume', 'network'].map((key): [object, boolean] => [{ [key]: ['web'] }, false]),
  ];
  for (const [filters, expected] of table) {
    it(`${JSON.stringify(filters)} ${expected ? 'lets it through' : 'holds it back'}`, () => assert.equal(eventMatcher(JSON.stringify(filters))(event), expected));
  }

  for (const text of ['{', '[]', '{"type":"container"}', '{"colour":["red"]}']) {
    it(`refuses ${text}`, () => assert.throws(() => eventMatcher(text), { code: 'BAD_REQUEST' }));
  }

  it('is sent in Docker’s shape, times in seconds and nanoseconds', () => {
    const wire = eventSchema.parse(JSON.parse(JSON.stringify(toDockerEvent(event))));
    assert.equal(wire.Actor.Attributes['name'], 'web');
    assert.ok(Math.abs(wire.timeNano / 1e9 - wire.time) < 1);
  });
});
