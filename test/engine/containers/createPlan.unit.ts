import assert from 'node:assert/strict';
import { mergeEnv, planContainer } from '../../../engine/containers/createPlan.ts';
import type { HostConfig } from '../../../engine/api/docker/container.ts';
import type { ImageConfig } from '../../../engine/content/oci.ts';

const image: ImageConfig = {
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [] },
  config: { Entrypoint: ['/entry'], Cmd: ['serve'], Env: ['PATH=/bin', 'A=1'], Labels: { a: 'image' }, ExposedPorts: { '80': {} }, WorkingDir: '/srv', User: 'web', Volumes: { '/data': {} } },
};

describe('a new container', () => {
  it("runs the image's command with the image's settings", () => {
    const { record, mounts } = planContainer({}, image);
    assert.deepEqual(record.args, ['/entry', 'serve']);
    assert.deepEqual([record.config.WorkingDir, record.config.User, Object.keys(record.config.ExposedPorts ?? {})], ['/srv', 'web', ['80/tcp']]);
    assert.deepEqual(mounts.map(({ destination }) => destination), ['/data']);
  });

  it('replaces the command, keeps the entrypoint', () => {
    assert.deepEqual(planContainer({ Cmd: ['x'] }, image).record.args, ['/entry', 'x']);
  });

  it("forgets the image's command when it gets an entrypoint", () => {
    assert.deepEqual(planContainer({ Entrypoint: ['sh'] }, image).record.args, ['sh']);
    assert.deepEqual(planContainer({ Entrypoint: [''], Cmd: ['ls'] }, image).record.args, ['ls']);
  });

  it('must have a command', () => {
    assert.throws(() => planContainer({}, { ...image, config: {} }), /no command specified/);
  });

  it('merges variables by name, the later wins, in place', () => {
    assert.deepEqual(mergeEnv(['A=1', 'B=2'], ['A=3', 'C=4']), ['A=3', 'B=2', 'C=4']);
    assert.deepEqual(mergeEnv(['A=1'], ['A']), []);
  });

  it('gets as much swap again as memory', () => {
    assert.equal(planContainer({ HostConfig: { Memory: 64e6 } }, image).record.hostConfig.MemorySwap, 128e6);
  });

  it('refuses what cannot be', () => {
    const refuses = (HostConfig: HostConfig, message: RegExp): void => void assert.throws(() => planContainer({ HostConfig }, image), message);
    refuses({ Memory: 1024 }, /Minimum memory limit/);
    refuses({ NanoCpus: 1e9, CpuQuota: 1 }, /Nano CPUs and CPU Period/);
    refuses({ NanoCpus: 1e15 }, /range of CPUs is from 0\.01 to \d+\.00/);
    assert.throws(() => planContainer({ StopSignal: 'NOSUCH' }, image), /Invalid signal: NOSUCH/);
    refuses({ AutoRemove: true, RestartPolicy: { Name: 'always' } }, /restart policy/);
    refuses({ CapAdd: ['NOPE'] }, /unknown capability/);
    refuses({ SecurityOpt: ['seccomp={'] }, /seccomp profile/);
    refuses({ PortBindings: { '80/sctp': [] } }, /invalid port/);
    refuses({ Ulimits: [{ Name: 'bogus', Soft: 1, Hard: 1 }] }, /invalid ulimit/);
  });
});
