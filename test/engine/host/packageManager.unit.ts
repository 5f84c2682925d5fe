import assert from 'node:assert/strict';
import { parseOsRelease } from '../../../engine/host/osRelease.ts';
import { detectPackageManager, planFix } from '../../../engine/host/packageManager.ts';

const TOOLS = ['crun', 'conmon', 'nft', 'ip', 'newuidmap', 'mmdebstrap'];

describe('package managers', () => {
  const systems: Array<[string, string, string, string]> = [
    ['Debian', 'ID=debian', 'apt-get', 'apt'],
    ['Linux Mint', 'ID=linuxmint\nID_LIKE="ubuntu debian"', 'apt-get', 'apt'],
    ['Fedora', 'ID=fedora', 'dnf', 'dnf'],
    ['Rocky', 'ID="rocky"\nID_LIKE="rhel centos fedora"', 'dnf', 'dnf'],
    ['Alpine', 'ID=alpine', 'apk', 'apk'],
    ['Tumbleweed', 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', 'zypper', 'zypper'],
    ['Manjaro', 'ID=manjaro\nID_LIKE=arch', 'pacman', 'pacman'],
    ['an unknown system with dnf', 'ID=thing', 'dnf', 'dnf'],
  ];
  for (const [name, text, binary, expected] of systems) {
    it(`knows ${expected} on ${name}`, () => assert.equal(detectPackageManager(parseOsRelease(text), (candidate) => candidate === binary), expected));
  }

  it('goes by what is there when a system brings several', () => {
    assert.equal(detectPackageManager(parseOsRelease('ID=fedora'), () => true), 'dnf');
    assert.equal(detectPackageManager(parseOsRelease('ID=fedora'), (name) => name === 'apt-get'), 'apt');
    assert.equal(detectPackageManager(parseOsRelease(''), () => false), undefined);
  });

  const plans: Array<['apt' | 'dnf' | 'apk' | 'zypper' | 'pacman', string, string[]]> = [
    ['apt', 'env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends crun conmon nftables iproute2 uidmap mmdebstrap', []],
    ['dnf', 'dnf install -y crun conmon nftables iproute shadow-utils', ['dnf has no package with mmdebstrap: it stays missing.']],
    ['apk', 'apk add crun conmon nftables iproute2 shadow-uidmap', ['apk has no package with mmdebstrap: it stays missing.']],
    ['zypper', 'zypper --non-interactive install --no-recommends crun conmon nftables iproute2 shadow', ['zypper has no package with mmdebstrap: it stays missing.']],
    ['pacman', 'pacman -S --needed --noconfirm crun conmon nftables iproute2 shadow', ['pacman has no package with mmdebstrap: it stays missing.']],
  ];
  for (const [manager, command, notes] of plans) {
    it(`installs by ${manager} under that distribution's names`, () => {
      const plan = planFix({ manager, tools: TOOLS, root: true, sudo: false });
      assert.equal(plan.commands.at(-1)?.join(' '), command);
      assert.deepEqual(plan.notes, notes);
    });
  }

  it('uses sudo only when not root, and says so when there is none', () => {
    const facts = { manager: 'apk', tools: ['crun', 'crun'], root: false } as const;
    assert.deepEqual(planFix({ ...facts, sudo: true }).commands, [['sudo', 'apk', 'add', 'crun']]);
    const without = planFix({ ...facts, sudo: false });
    assert.deepEqual(without.commands, []);
    assert.match(without.notes[0] ?? '', /Run as root: apk add crun/);
    assert.match(planFix({ ...facts, manager: undefined, sudo: true }).notes[0] ?? '', /Install these yourself: crun/);
  });
});

describe('os-release', () => {
  it('reads quoted, bare and escaped values and skips comments', () => {
    assert.deepEqual(parseOsRelease('# x\nNAME=\'A\'\nPRETTY_NAME="A \\"b\\" 1"\nID=A\nID_LIKE="b  c"\n'), { id: 'a', like: ['b', 'c'], prettyName: 'A "b" 1' });
    assert.deepEqual(parseOsRelease(''), { id: 'linux', like: [], prettyName: 'Linux' });
  });
});
