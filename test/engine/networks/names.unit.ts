import assert from 'node:assert/strict';
import { decode, encode } from 'dns-packet';
import type { RecordType } from 'dns-packet';
import { addressesIn, answerFrom, parseQuery, rcode, refuse } from '../../../engine/networks/dns/answer.ts';
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

describe('names by IPv6 and by links', () => {
  const six: Named = { containerId: id('1'), name: 'six', hostname: 'h', legs: [{ networkId: 'id-front', networkName: 'front', ip: '10.1.0.20', ip6: 'fd00::20', aliases: [], links: ['one:uno', `${id('c').slice(0, 12)}:due`] }] };
  const zone = zoneOf(six, [...all, six], networks);

  it('have an address of either family, or none of one', () => {
    assert.deepEqual([zone.addressesOf('six', 6), zone.addressesOf('one', 6), zone.addressesOf('nobody', 6)], [['fd00::20'], [], undefined]);
    assert.equal(zone.nameOf('fd00::20'), 'six.front');
    const ask = (name: string, type: RecordType): unknown[] | undefined => {
      const query = parseQuery(encode({ type: 'query', id: 7, questions: [{ type, name }] }));
      const answer = query && answerFrom(zone, query, 'udp', 0);
      return answer && decode(answer).answers?.map((one) => ('data' in one ? one.data : undefined));
    };
    assert.deepEqual([ask('six', 'AAAA'), ask('one', 'AAAA'), ask('six', 'MX')], [['fd00::20'], [], []]);
    assert.deepEqual(ask(`0.2.${'0.'.repeat(26)}0.0.d.f.ip6.arpa`, 'PTR'), ['six.front']);
  });

  it('are its own where it has links, by name or id, and nobody else’s', () => {
    assert.deepEqual([zone.addressesOf('uno'), zone.addressesOf('DUE')], [['10.1.0.3'], ['10.1.0.4']]);
    assert.equal(zoneOf(web, [...all, six], networks).addressesOf('uno'), undefined);
  });

  it('are taken from others’ answers with their time', () => {
    const message = encode({ type: 'response', id: 1, answers: [{ type: 'CNAME', name: 'a', data: 'b', ttl: 9 }, { type: 'A', name: 'b', data: '192.0.2.1', ttl: 60 }, { type: 'AAAA', name: 'b', data: '2001:DB8:0::1', ttl: 30 }] });
    assert.deepEqual(addressesIn(message), [{ address: '192.0.2.1', ttl: 60 }, { address: '2001:db8::1', ttl: 30 }]);
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
