import assert from 'node:assert/strict';
import { forwardsText, rulesetText, tableName } from '../../../engine/networks/ruleset.ts';

const web = { protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, ip: '10.201.0.2', containerPort: 80 } as const;

describe('ruleset', () => {
  it('names the table after the instance', () => {
    assert.equal(tableName('berth'), 'berth');
    assert.equal(tableName('bench'), 'berth-bench');
  });

  it('publishes on every address by port alone, on one address by both', () => {
    assert.equal(forwardsText('add', 'berth', [web]), 'add element inet berth tcp_any { 8080 : 10.201.0.2 . 80 }\n');
    assert.equal(forwardsText('add', 'berth', [{ ...web, protocol: 'udp', hostIp: '127.0.0.1' }]), 'add element inet berth udp_one { 127.0.0.1 . 8080 : 10.201.0.2 . 80 }\n');
    assert.equal(forwardsText('delete', 'berth', [web]), 'delete element inet berth tcp_any { 8080 }\n');
  });

  it('lets nothing pass between an internal network and the rest, before any other rule of forwarding', () => {
    const text = rulesetText('berth', [{ bridge: 'berth0', subnet: '10.201.0.0/16' }, { bridge: 'bt-1', subnet: '10.202.0.0/16', internal: true }], []);
    assert.match(text, /chain forward \{\n.*\niifname "bt-1" oifname != "bt-1" drop\noifname "bt-1" iifname != "bt-1" drop\noifname @bridges ct state/);
    assert.ok(!text.includes('iifname "berth0" oifname != "berth0" drop'));
  });

  it('leads questions for names to the engine while it listens, to the host’s resolver while it does not', () => {
    const named = { bridge: 'bt-1', subnet: '10.202.0.0/16', names: { address: '10.202.0.1', port: 40053, upstream: '10.0.0.53' } };
    const asked = 'iifname "bt-1" ip daddr 10.202.0.1 meta l4proto { tcp, udp } th dport 53';
    const text = rulesetText('berth', [{ bridge: 'berth0', subnet: '10.201.0.0/16' }, named], []);
    assert.ok(text.includes(`${asked} meta mark 0x10000000 redirect to :40053\n${asked} dnat ip to 10.0.0.53\nmeta nfproto`), 'before published ports');
    assert.equal(text.match(/dport set 40053/g)?.length, 2);
    assert.ok(!text.includes('iifname "berth0" ip daddr'), 'the default network has no names');
    assert.ok(text.includes('iifname != "bt-1" ip daddr 10.202.0.1 meta l4proto { tcp, udp } th dport 40053 drop'), 'for nobody else');
    const plain = rulesetText('berth', [named], [], false);
    assert.ok(plain.includes(`${asked} redirect to :40053\n`) && !plain.includes('socket') && !plain.includes('10.0.0.53'));
    assert.ok(!rulesetText('berth', [{ bridge: 'berth0', subnet: '10.201.0.0/16' }], []).includes('socket'));
  });

  it('replaces the table in one transaction and drops what comes for the host’s loopback', () => {
    const text = rulesetText('berth', [{ bridge: 'berth0', subnet: '10.201.0.0/16' }], [web]);
    assert.match(text, /^add table inet berth\ndelete table inet berth\ntable inet berth \{/);
    assert.ok(text.includes('iifname != "lo" ip daddr 127.0.0.0/8 drop'));
    assert.ok(text.indexOf('iifname "berth0" oifname "berth0" accept') < text.indexOf('oifname @bridges drop'));
    assert.ok(text.trimEnd().endsWith('tcp_any { 8080 : 10.201.0.2 . 80 }'));
  });
});
