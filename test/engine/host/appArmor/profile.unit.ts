import assert from 'node:assert/strict';
import { allBut, profileText } from '../../../../engine/host/appArmor/profile.ts';

/** What such a rule matches, in the terms of regular expressions: `*` stays in a folder, `**` does not. */
function matches(rule: string, path: string): boolean {
  const expression = rule.replaceAll('.', '\\.').replaceAll('**', '\0').replaceAll('*', '[^/]*').replaceAll('\0', '.*');
  return new RegExp(`^${expression}$`).test(path);
}

const denied = (text: string, right: string): string[] => text.split('\n').flatMap((line) => {
  const [, path = '', rights = ''] = /^deny (\/\S+) ([rwklx]+),$/.exec(line) ?? [];
  return rights.includes(right) ? [path] : [];
});

describe('the AppArmor profile of containers', () => {
  const text = profileText({ engine: 'unconfined', abi: false });
  const may = (right: string, path: string): boolean => !denied(text, right).some((rule) => matches(rule, path));

  it('lets nobody write the kernel’s files in /proc and /sys, those of processes, shared memory and control groups excepted', () => {
    const written = ['/proc/1/oom_score_adj', '/proc/self/attr/exec', '/proc/17/task/17/comm', '/proc/sys/kernel/shmmax', '/proc/sys/kernel/shm_rmid_forced', '/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/a/b/memory.max', '/process/x', '/system', '/home/sys/x'];
    const never = ['/proc/sysrq-trigger', '/proc/kcore', '/proc/timer_list', '/proc/sys/net/ipv4/ip_forward', '/proc/sys/vm/drop_caches', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/sysrq', '/proc/sys/kernel/hostname', '/proc/sys/fs/binfmt_misc/register', '/proc/sys/kexec_load_disabled', '/proc/acpi/wakeup', '/proc/bus/pci/00/1', '/proc/irq/1/smp_affinity', '/proc/scsi/scsi', '/proc/sysvipc/shm'];
    const system = ['/sys/kernel/uevent_helper', '/sys/firmware/efi/efivars/x', '/sys/devices/x/power', '/sys/fs/bpf/x', '/sys/fs/ext4/sda/x', '/sys/fs/cgroupx/y', '/sys/module/x/parameters/y', '/sys/power/state', '/sys/fuse/x'];
    for (const path of written) {
      // The kernel knows a process's own folder by its number.
      if (!path.startsWith('/proc/self')) assert.ok(may('w', path), path);
    }
    for (const path of [...never, ...system]) assert.ok(!may('w', path), path);
  });

  it('lets nobody read what tells of the hardware and of the kernel’s memory, and everybody the rest', () => {
    for (const path of ['/proc/kcore', '/proc/sysrq-trigger', '/sys/firmware/acpi/tables/DSDT', '/sys/kernel/security/apparmor/profiles', '/sys/devices/virtual/powercap/intel-rapl/x']) assert.ok(!may('r', path), path);
    for (const path of ['/proc/cpuinfo', '/proc/sys/kernel/hostname', '/sys/class/net/eth0/address', '/etc/passwd']) assert.ok(may('r', path), path);
  });

  it('is ended by whoever ends containers, whatever confines them, and says by which version it is to be read where that can be said', () => {
    const lines = profileText({ engine: 'berth // engine', abi: true }).split('\n');
    assert.equal(lines[0], 'abi <abi/3.0>,');
    for (const peer of ['unconfined', 'runc', 'crun', 'berth // engine']) assert.ok(lines.includes(`signal (receive) peer="${peer}",`), peer);
    assert.ok(lines.includes('deny mount,') && lines.includes('deny network alg,'));
    assert.equal(text.split('\n').filter((line) => line.includes('peer="unconfined"')).length, 1);
  });

  it('tells names that begin otherwise letter by letter', () => {
    assert.deepEqual(allBut('/proc/', ['[0-9]', 'sys/']), ['/proc/[^0-9s/]**', '/proc/s[^y/]**', '/proc/sy[^s/]**', '/proc/sys[^/]**']);
    assert.deepEqual(allBut('/k/', ['shm']), ['/k/[^s/]**', '/k/s[^h/]**', '/k/sh[^m/]**']);
  });
});
