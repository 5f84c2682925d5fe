import assert from 'node:assert/strict';
import { mergeMetadata } from '../../../engine/devcontainers/config/metadata.ts';
import type { PortAttributes } from '../../../engine/devcontainers/config/schema.ts';
import { attributesOf, parsePortKey, portSettings } from '../../../engine/devcontainers/forwarding/attributes.ts';
import type { PortSubject } from '../../../engine/devcontainers/forwarding/attributes.ts';

describe('the attributes of a port', () => {
  const settings = (portsAttributes: Record<string, PortAttributes>, otherPortsAttributes?: PortAttributes): ReturnType<typeof portSettings> => portSettings(mergeMetadata([], { portsAttributes, ...(otherPortsAttributes ? { otherPortsAttributes } : {}) }));
  const labels = { '.+server': { label: 'command' }, '3000-3999': { label: 'range' }, '3000': { label: 'port' }, 'db:5432': { label: 'database' } } as const;
  const rows: Array<[string, Omit<PortSubject, 'host'> & { host?: string }, string | undefined]> = [
    ['its number', { port: 3000, command: 'my server' }, 'port'],
    ['a range', { port: 3001, command: 'my server' }, 'range'],
    ['its command line', { port: 8080, command: 'node server.js' }, 'command'],
    ['host and number', { host: 'db', port: 5432 }, 'database'],
    ['not the same number of another host', { host: 'db', port: 3000 }, undefined],
    ['nothing', { port: 5432, command: 'postgres' }, undefined],
  ];
  for (const [by, subject, label] of rows) it(`are found by ${by}`, () => assert.equal(attributesOf(settings(labels), { host: '', ...subject }).label, label));

  it('add up, the exacter rule first', () => {
    assert.deepEqual(attributesOf(settings({ '3000-3010': { onAutoForward: 'silent', protocol: 'https' }, '3000': { onAutoForward: 'openBrowser', requireLocalPort: true } }), { host: '', port: 3000 }), {
      onAutoForward: 'openBrowser',
      protocol: 'https',
      requireLocalPort: true,
      elevateIfNeeded: false,
    });
  });

  it('are those of otherPortsAttributes only where no rule is about the port', () => {
    const both = settings({ '3000': { label: 'web' } }, { onAutoForward: 'ignore' });
    assert.equal(attributesOf(both, { host: '', port: 3000 }).onAutoForward, 'notify');
    assert.equal(attributesOf(both, { host: '', port: 3001 }).onAutoForward, 'ignore');
  });

  it('have keys of four forms, and what is none of them is refused', () => {
    assert.deepEqual(['3000', 'localhost:3000', 'db:1', '1-2', '.*'].map((key) => parsePortKey(key)?.kind), ['port', 'port', 'port', 'range', 'command']);
    assert.deepEqual(['', '0', '70000', '9-8', '0-1', '('].map((key) => parsePortKey(key)), [undefined, undefined, undefined, undefined, undefined, undefined]);
  });
});

it('forwardPorts are numbers and other hosts’; localhost is the container itself, and 0 is nothing', () => {
  const { declared } = portSettings(mergeMetadata([{ forwardPorts: [1] }], { forwardPorts: [2, 'localhost:3', 'db:5432', 0] }));
  assert.deepEqual(declared, [{ host: '', port: 1 }, { host: '', port: 2 }, { host: '', port: 3 }, { host: 'db', port: 5432 }]);
});
