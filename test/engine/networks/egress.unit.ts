import assert from 'node:assert/strict';
import { allowsName, parseEgress } from '../../../engine/networks/egress/egressPolicy.ts';
import { learnedText } from '../../../engine/networks/egress/egressRules.ts';
import { RefusalCounts } from '../../../engine/networks/egress/refusals.ts';
import { bridgeOptions, unknownOptions } from '../../../engine/networks/networkOptions.ts';
import { rulesetText } from '../../../engine/networks/ruleset.ts';

describe('an allow-list', () => {
  it('has names, addresses and networks, each in its one spelling', () => {
    assert.deepEqual(parseEgress('allow:Deb.Debian.org., *.npmjs.org,10.1.2.3/16,1.2.3.4,FD00::1/8,,2001:db8::7'), { names: ['deb.debian.org', '*.npmjs.org'], four: ['10.1.0.0/16', '1.2.3.4/32'], six: ['fd00::/8', '2001:db8::7/128'] });
    assert.deepEqual(parseEgress('allow:'), { names: [], four: [], six: [] });
  });

  for (const bad of ['deb.debian.org', 'deny:x', 'allow:10.0.0.0/33', 'allow:1.2.3', 'allow:fd00::/200', 'allow:-x', 'allow:a..b', 'allow:*', 'allow:a.*.b', `allow:${'a'.repeat(64)}`, 'allow:x"; drop', 'allow:a/b']) {
    it(`is not ${bad}`, () => assert.throws(() => parseEgress(bad), { code: 'EGRESS_INVALID', status: 400 }));
  }

  it('allows the names on it and those below a *., in whatever case', () => {
    const policy = parseEgress('allow:a.example,*.b.example');
    assert.deepEqual(['A.example', 'a.example.', 'x.b.example', 'x.y.b.example'].map((name) => allowsName(policy, name)), [true, true, true, true]);
    assert.deepEqual(['x.a.example', 'b.example', 'xb.example', '.b.example', 'a.example.evil', 'b.example.evil'].map((name) => allowsName(policy, name)), [false, false, false, false, false, false]);
  });

  it('becomes rules before anything is accepted, for this bridge alone, and none for the names outside while no engine runs', () => {
    const box = { bridge: 'bt-box', subnet: '10.9.0.0/16', names: { address: '10.9.0.1', port: 4053 }, egress: { four: ['10.1.0.0/16'], six: [], learned: [{ address: '192.0.2.1', seconds: 9 }, { address: '2001:db8::1', seconds: 8 }] } };
    const text = rulesetText('berth', [{ bridge: 'berth0', subnet: '10.201.0.0/16' }, box], []);
    assert.ok(text.indexOf('iifname "bt-box" oifname != "bt-box" jump leaving_bt-box') < text.indexOf('oifname @bridges ct state established,related accept'));
    assert.ok(text.includes('iifname "bt-box" jump asking_bt-box') && !text.includes('leaving_berth0'));
    assert.ok(text.includes('ip daddr 10.9.0.1 meta l4proto { tcp, udp } th dport 4053 accept'));
    assert.ok(text.includes('elements = { 192.0.2.1 timeout 9s };') && text.includes('elements = { 2001:db8::1 timeout 8s };'));
    assert.ok(!text.includes('dnat ip to 10.'));
    assert.ok(!rulesetText('berth', [{ bridge: 'berth0', subnet: '10.201.0.0/16' }], []).includes('refused'));
  });

  it('gives an address that is known already its new time', () => {
    const set = 'inet berth named4_bt-1';
    assert.equal(learnedText('berth', 'bt-1', [{ address: '192.0.2.1', seconds: 60 }]), `add element ${set} { 192.0.2.1 }\ndelete element ${set} { 192.0.2.1 }\nadd element ${set} { 192.0.2.1 timeout 60s }\n`);
  });
});

describe('refused packets', () => {
  const element = (packets: number, port = '443'): { set: string; key: string[]; expires: undefined; packets: number } => ({ set: 'refused4', key: ['bt-1', '10.9.0.2', '192.0.2.9', 'tcp', port], expires: undefined, packets });

  it('are told once each, also when the kernel has forgotten and met them again', () => {
    const counts = new RefusalCounts();
    const told = (...elements: ReturnType<typeof element>[]): Array<[number | undefined, number]> => counts.news(elements).map(({ port, count }) => [port, count]);
    assert.deepEqual(told(element(2)), [[443, 2]]);
    assert.deepEqual(told(element(2), element(1, '80')), [[80, 1]]);
    assert.deepEqual(told(element(5)), [[443, 3]]);
    assert.deepEqual(told(element(1)), [[443, 1]], 'fewer than before');
    counts.forget();
    assert.deepEqual(told(element(1)), [[443, 1]], 'the table was written anew');
  });

  it('may have no port, and protocols by number', () => {
    assert.deepEqual(new RefusalCounts().news([{ set: 'refused6_other', key: ['bt-1', 'fd00:0::2', '2001:db8::1', '58'], expires: 5, packets: 1 }]), [{ bridge: 'bt-1', source: 'fd00::2', destination: '2001:db8::1', protocol: 'ipv6-icmp', port: undefined, count: 1 }]);
  });
});

describe('options of a network', () => {
  it('are Docker’s, with its defaults', () => {
    assert.deepEqual(bridgeOptions({}), { icc: true, masquerade: true, devicePrefix: 'eth' });
    const docker = 'com.docker.network';
    assert.deepEqual(
      bridgeOptions({ [`${docker}.bridge.name`]: 'lab0', [`${docker}.driver.mtu`]: '1400', [`${docker}.bridge.enable_icc`]: 'false', [`${docker}.bridge.enable_ip_masquerade`]: 'False', [`${docker}.bridge.host_binding_ipv4`]: '127.0.0.1', [`${docker}.container_iface_prefix`]: 'lan', egress: 'allow:' }),
      { bridge: 'lab0', mtu: 1400, icc: false, masquerade: false, hostBinding: '127.0.0.1', devicePrefix: 'lan', egress: { names: [], four: [], six: [] } },
    );
  });

  for (const [key, value] of [['bridge.name', 'a/b'], ['bridge.name', 'sixteen-letters-x'], ['driver.mtu', '67'], ['driver.mtu', 'big'], ['bridge.enable_icc', 'maybe'], ['bridge.host_binding_ipv4', '::1'], ['container_iface_prefix', 'a b']] as const) {
    it(`${key}=${value} is refused`, () => assert.throws(() => bridgeOptions({ [`com.docker.network.${key}`]: value }), { code: 'BAD_REQUEST', message: new RegExp(key) }));
  }

  it('that are not known are told', () => assert.deepEqual(unknownOptions({ 'com.docker.network.bridge.name': 'x', foo: 'bar' }), ['foo']));
});
