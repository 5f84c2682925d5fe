import assert from 'node:assert/strict';
import { decode, encode } from 'dns-packet';
import type { RecordType } from 'dns-packet';
import { answerFrom, parseQuery, rcode, refuse } from '../../../engine/networks/dns/answer.ts';
import { zoneOf } from '../../../engine/networks/dns/zone.ts';
import type { Named } from '../../../engine/networks/dns/zone.ts';

const id = (digit: string): string => digit.repeat(64);
const member = (digit: string, name: string, legs: Array<[string, string, string[]?]>): Named => ({
  containerId: id(digit),
  name,
  hostname: `${name}-host`,
  legs: legs.map(([networkName, ip, aliases = []]) => ({ networkId: `id-${networkName}`, networkName, ip, aliases })),
});

const web = member('a', 'web', [['front', '10.1.0.2']]);
const one = member('b', 'one', [['front', '10.1.0.3', ['api']], ['back', '10.2.0.3', ['Store']]]);
const two = member('c', 'two', [['front', '10.1.0.4', ['api']]]);
const hidden = member('d', 'hidden', [['back', '10.2.0.5']]);
const plain = member('e', 'plain', [['bridge', '10.0.0.9'], ['front', '10.1.0.9']]);
const all = [web, one, two, hidden, plain];
const networks = new Set(['id-front', 'id-back']);

describe('names between containers', () => {
  const rows: Array<[string, Named, string, string[] | undefined]> = [
    ['a name', web, 'one', ['10.1.0.3']],
    ['in whatever case', web, 'ONE', ['10.1.0.3']],
    ['a short id', web, id('c').slice(0, 12), ['10.1.0.4']],
    ['a hostname', web, 'two-host', ['10.1.0.4']],
    ['a name with its network', web, 'one.front', ['10.1.0.3']],
    ['an alias of several', web, 'api', ['10.1.0.3', '10.1.0.4']],
    ['its own name', web, 'web', ['10.1.0.2']],
    ['in every network that one shares', one, 'one', ['10.1.0.3', '10.2.0.3']],
    ['not an alias of another network', web, 'store', undefined],
    ['not who is in none of one’s networks', web, 'hidden', undefined],
    ['not over the default network', plain, 'e-host', undefined],
    ['not what nobody is called', web, 'nobody', undefined],
  ];
  for (const [what, client, name, expected] of rows) it(`are found by ${what}`, () => assert.deepEqual(zoneOf(client, all, networks).addressesOf(name), expected));

  it('are found by address in one’s own networks, and there alone', () => {
    assert.equal(zoneOf(web, all, networks).nameOf('10.1.0.3'), 'one.front');
    assert.equal(zoneOf(web, all, networks).nameOf('10.2.0.3'), undefined);
  });
});

describe('answers', () => {
  const zone = zoneOf(web, all, networks);
  const ask = (name: string, type: RecordType, transport: 'udp' | 'tcp' = 'udp', turn = 0): ReturnType<typeof decode> | undefined => {
    const query = parseQuery(encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type, name }] }));
    assert.ok(query);
    const answer = answerFrom(zone, query, transport, turn);
    return answer && decode(answer);
  };
  const codeOf = (packet: ReturnType<typeof ask>): number => (packet?.flags ?? 0) & 15;
  const dataOf = (packet: ReturnType<typeof ask>): unknown[] | undefined => packet?.answers?.map((answer) => ('data' in answer ? answer.data : undefined));

  it('carry the question, its id, and each address first in turn', () => {
    assert.deepEqual([ask('api', 'A')?.id, dataOf(ask('api', 'A'))], [7, ['10.1.0.3', '10.1.0.4']]);
    assert.deepEqual(dataOf(ask('api', 'A', 'udp', 1)), ['10.1.0.4', '10.1.0.3']);
    assert.deepEqual(ask('api', 'A')?.questions, [{ name: 'api', type: 'A', class: 'IN' }]);
  });

  it('say that a name of ours has no IPv6 address, and leave others’ names to others', () => {
    assert.deepEqual([codeOf(ask('one', 'AAAA')), dataOf(ask('one', 'AAAA'))], [0, []]);
    assert.equal(ask('example.org', 'A'), undefined);
  });

  it('of addresses are names', () => {
    assert.deepEqual(dataOf(ask('4.0.1.10.in-addr.arpa', 'PTR')), ['two.front']);
    assert.equal(ask('8.8.8.8.in-addr.arpa', 'PTR'), undefined);
  });

  it('that are too long for UDP say so, and are whole by TCP', () => {
    const many = Array.from({ length: 60 }, (_, index) => member((index % 10).toString(), `n${index}`, [['front', `10.1.1.${index}`, ['many']]]));
    const query = parseQuery(encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'many' }] }));
    assert.ok(query);
    const [udp, tcp] = (['udp', 'tcp'] as const).map((transport) => decode(answerFrom(zoneOf(web, [...many, web], networks), query, transport, 0) ?? Buffer.alloc(0)));
    assert.deepEqual([udp?.flag_tc, udp?.answers?.length, tcp?.flag_tc, tcp?.answers?.length], [true, 0, false, 60]);
  });

  it('are given to questions only', () => {
    for (const message of [Buffer.from('not DNS'), Buffer.alloc(0), Buffer.alloc(600, 0xc0), encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'a' }] }), encode({ type: 'query', id: 1 })]) assert.equal(parseQuery(message), undefined);
  });

  it('may be a refusal', () => {
    const query = parseQuery(encode({ type: 'query', id: 9, questions: [{ type: 'A', name: 'a' }] }));
    assert.ok(query);
    assert.deepEqual([rcode.refused, rcode.serverFailure].map((code) => codeOf(decode(refuse(query, code)))), [5, 2]);
  });
});
