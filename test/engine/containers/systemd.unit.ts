import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startsSystemd, stopSignal } from '../../../engine/containers/systemd.ts';

describe('systemd as a first process', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'berth-systemd-'));
    for (const folder of ['usr/lib/systemd', 'usr/sbin', 'opt']) mkdirSync(join(root, folder), { recursive: true });
    for (const file of ['usr/lib/systemd/systemd', 'usr/sbin/openrc', 'opt/systemd-helper']) writeFileSync(join(root, file), '');
    for (const [link, target] of [['sbin', 'usr/sbin'], ['lib', 'usr/lib'], ['usr/sbin/init', '/lib/systemd/systemd'], ['opt/init', '../usr/sbin/openrc'], ['opt/systemd', 'nowhere']] as const) symlinkSync(target, join(root, link));
  });
  after(() => rmSync(root, { recursive: true }));
  const starts = (args: string[], more: object = {}): Promise<boolean> => startsSystemd({ record: { args, config: {}, hostConfig: {}, ...more }, paths: { rootfs: root } } as unknown as Parameters<typeof startsSystemd>[0]);

  it('is found behind the links of the image', async () => {
    assert.deepEqual(await Promise.all([['/sbin/init'], ['init'], ['/lib/systemd/systemd', '--system'], ['../sbin/init']].map((args) => starts(args))), [true, true, true, true]);
  });

  it('is not another program of that name, nor one that is not there, nor below an init of ours', async () => {
    assert.deepEqual(await Promise.all([['/opt/init'], ['/opt/systemd'], ['/opt/systemd-helper'], ['sh', '-c', 'exec /sbin/init'], []].map((args) => starts(args))), [false, false, false, false, false]);
    assert.equal(await starts(['/sbin/init'], { hostConfig: { Init: true } }), false);
  });

  it('is stopped by its own signal, unless the image or the user named one', () => {
    const of = (StopSignal: string | undefined, systemd: boolean): string => stopSignal({ record: { config: { StopSignal } }, state: { systemd } } as unknown as Parameters<typeof stopSignal>[0]);
    assert.deepEqual([of(undefined, true), of('SIGINT', true), of(undefined, false)], ['SIGRTMIN+3', 'SIGINT', 'SIGTERM']);
  });
});
