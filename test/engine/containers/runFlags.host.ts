import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';
import { badValues, flagRows, ofWindows, shownElsewhere } from './runFlags.ts';

const IMAGE = 'debian:bookworm';

describe('every flag of docker run', function () {
  this.timeout(60_000);
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start({ instance: 'reflag' });
    await engine.docker(['import', await baseTar(), IMAGE]);
    await writeFile(join(engine.root, 'env'), 'FROM_FILE=yes\n');
    await engine.docker(['network', 'create', '--subnet', '10.234.77.0/24', 'flagnet']);
    await engine.docker(['create', '--name', 'giver', '-v', '/given', IMAGE, 'true']);
  });
  after(() => engine.remove());

  const placed = (args: readonly string[]): string[] => args.map((arg) => arg.replace('FOLDER', engine.root));
  const docker = (...args: string[]) => engine.docker(args, { okStatus: 'any', input: 'typed\n' });

  it('is in the table, and nothing else is', async () => {
    const { stdout } = await docker('run', '--help');
    const known = [...stdout.matchAll(/^ +(?:-\w, )?--([a-z0-9-]+)/gm)].map(([, name]) => name ?? '');
    assert.ok(known.length > 90);
    const listed = new Set([...flagRows.map(({ flag }) => flag.replace(/=.*/, '')), ...Object.keys(shownElsewhere)]);
    assert.deepEqual([known.filter((flag) => !listed.has(flag)), [...listed].filter((flag) => !known.includes(flag) && !ofWindows.includes(flag))], [[], []]);
  });

  describe('in one container', () => {
    const rows = flagRows.filter(({ alone, refused, warned }) => !alone && !refused && !warned);
    let printed: string[];
    before(async () => {
      const script = rows.map(({ probe }) => `${probe}; echo =====`).join('\n');
      const { status, stdout, stderr } = await docker('run', ...rows.flatMap(({ args }) => placed(args)), '-a', 'stdin', '-a', 'stderr', IMAGE, 'sh', '-c', script);
      assert.equal(status, 0, stderr);
      printed = stdout.split('=====\n').map((text) => text.trimEnd());
    });
    for (const [index, { flag, expect }] of rows.entries()) it(`--${flag}`, () => assert.match(printed[index] ?? '', expect ?? /./));
    it('--publish, --rm: its port is free again, and it is gone', async () => assert.equal((await docker('ps', '-aq', '--filter', 'name=flags')).stdout, ''));
  });

  for (const { flag, args, probe, expect } of flagRows.filter(({ alone }) => alone)) {
    it(`--${flag}`, async () => {
      const { stdout, stderr } = await docker('run', ...(flag === 'detach' ? [] : ['--rm']), ...placed(args), IMAGE, ...(flag === 'detach' ? ['true'] : ['sh', '-c', probe ?? '']));
      assert.match(stdout.trimEnd(), expect ?? /./, stderr);
    });
  }

  for (const { flag, args, refused, warned } of flagRows.filter((row) => row.refused ?? row.warned)) {
    it(`--${flag} is ${refused ? 'refused' : 'answered with a warning'}`, async () => {
      const { status, stderr } = await docker('create', ...placed(args), IMAGE, 'true');
      assert.match(stderr, refused ?? warned ?? /./);
      assert.equal(status === 0, refused === undefined);
    });
  }

  for (const [args, words] of badValues) {
    it(`${args.join(' ')} is refused`, async () => {
      const { status, stderr } = await docker('run', ...placed(args), IMAGE, 'true');
      assert.equal(status, 125, stderr);
      assert.match(stderr, words);
    });
  }

  it('client files, restart policy, what inspect says', async () => {
    const file = join(engine.root, 'cid');
    const { stdout } = await docker('run', '-d', '--cidfile', file, '--restart', 'on-failure:3', '--label', 'a=b', '--stop-signal', 'SIGUSR1', '--stop-timeout', '3', '--annotation', 'k=v', IMAGE, 'sleep', '60');
    assert.equal(await readFile(file, 'utf8'), stdout.trim());
    const format = '{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}} {{index .Config.Labels "a"}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{index .HostConfig.Annotations "k"}}';
    assert.equal((await docker('inspect', '-f', format, stdout.trim())).stdout, 'on-failure:3 b SIGUSR1 3 v\n');
    assert.match(await readFile(join(engine.runRoot, 'bundles', stdout.trim(), 'config.json'), 'utf8'), /"annotations":\{"k":"v"/);
  });

  it('health checks', async () => {
    const health = ['--health-cmd', 'true', '--health-interval', '7s', '--health-timeout', '6s', '--health-retries', '5', '--health-start-period', '4s', '--health-start-interval', '3s'];
    const id = (await docker('create', ...health, IMAGE, 'true')).stdout.trim();
    assert.equal((await docker('inspect', '-f', '{{json .Config.Healthcheck}}', id)).stdout.trim(), '{"Test":["CMD-SHELL","true"],"Interval":7000000000,"Timeout":6000000000,"StartPeriod":4000000000,"StartInterval":3000000000,"Retries":5}');
    const none = (await docker('create', '--no-healthcheck', IMAGE, 'true')).stdout.trim();
    assert.match((await docker('inspect', '-f', '{{json .Config.Healthcheck}}', none)).stdout, /"NONE"/);
  });

  it('block devices: rates reach the kernel, weights do or are refused by it by name', async function () {
    const disk = (await readdir('/sys/block')).find((name) => /^(vd|sd|nvme|xvd)/.test(name));
    if (disk === undefined) return this.skip();
    const rates = ['--device-read-bps', `/dev/${disk}:1mb`, '--device-write-bps', `/dev/${disk}:2mb`, '--device-read-iops', `/dev/${disk}:100`, '--device-write-iops', `/dev/${disk}:200`];
    const { stdout } = await docker('run', '--rm', ...rates, IMAGE, 'sh', '-c', 'cat /sys/fs/cgroup/blkio/blkio.throttle.*_device /sys/fs/cgroup/io.max 2>/dev/null');
    for (const value of ['1048576', '2097152', '100', '200']) assert.match(stdout, new RegExp(`\\b${value}\\b`));
    for (const args of [['--blkio-weight', '500'], ['--blkio-weight-device', `/dev/${disk}:500`]]) {
      const { status, stderr } = await docker('run', '--rm', ...args, IMAGE, 'true');
      assert.ok(status === 0 || (status === 125 && /weight|blkio/.test(stderr)), stderr);
    }
  });
});
