import assert from 'node:assert/strict';
import type { HostConfig } from '../../../engine/api/docker/container.ts';
import { silentLog } from '../../../engine/base/log.ts';
import type { Container } from '../../../engine/containers/container.ts';
import { noSuchContainer } from '../../../engine/containers/errors.ts';
import type { SeLinuxRecord } from '../../../engine/containers/record.ts';
import { labelFor, labelWish, SeLinuxLabels } from '../../../engine/containers/seLinuxLabels.ts';
import { SeLinux } from '../../../engine/host/seLinux/seLinux.ts';

const POLICY = 'process = "system_u:system_r:container_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\n';

describe('labels of containers', () => {
  const records = new Map<string, SeLinuxRecord | undefined>();
  const store = {
    list: () => [...records.keys()].map((id) => store.find(id)),
    find: (id: string): Container => {
      if (!records.has(id)) throw noSuchContainer({ ref: id });
      return { record: { id, ...(records.get(id) ? { seLinux: records.get(id) } : {}) } } as unknown as Container;
    },
  };
  let labels: SeLinuxLabels;
  const take = async (id: string, host: HostConfig = {}): Promise<SeLinuxRecord | undefined> => {
    const { seLinux } = await labels.take(id, host);
    records.set(id, seLinux);
    labels.done(id);
    return seLinux;
  };

  before(async () => {
    const host = { read: (path: string) => Promise.resolve(path.endsWith('lxc_contexts') ? POLICY : ''), exists: () => true };
    labels = new SeLinuxLabels(await SeLinux.open({ wanted: true, log: silentLog, host, knows: (context) => Promise.resolve(!context.includes('nonsense')) }), store);
  });
  afterEach(() => records.clear());

  it('are of a level of its own for each, the files’ the same, also while many are made at once', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, (_one, index) => labels.take(String(index), {})));
    const levels = made.map(({ seLinux }) => /^system_u:system_r:container_t:(s0:c\d+,c\d+)$/.exec(seLinux?.process ?? '')?.[1]);
    assert.equal(new Set(levels).size, 50);
    assert.deepEqual(made.map(({ seLinux }) => seLinux?.mount), levels.map((level) => `system_u:object_r:container_file_t:${level}`));
  });

  it('are what --security-opt says; level and user count for the files too', async () => {
    const seLinux = await take('a', { SecurityOpt: ['label=type:svirt_t', 'label=level:s0:c5,c6', 'label:user:me_u', 'label=role:me_r', 'label=filetype:usr_t'] });
    assert.deepEqual(seLinux, { process: 'me_u:me_r:svirt_t:s0:c5,c6', mount: 'me_u:object_r:usr_t:s0:c5,c6' });
    await assert.rejects(take('b', { SecurityOpt: ['label=type:nonsense_t'] }), { code: 'SELINUX_CONTEXT_UNKNOWN' });
    await assert.rejects(take('b', { SecurityOpt: ['label=kind:x'] }), { code: 'INVALID_CONTAINER_CONFIG', message: /bad label option: "kind:x"/ });
    assert.throws(() => labelWish(['type']), /bad label option/);
  });

  it('are none for the processes of containers that are not to be confined, unless they say how; their files are kept from others', async () => {
    for (const host of [{ Privileged: true }, { PidMode: 'host' }, { IpcMode: 'host' }, { SecurityOpt: ['label=disable'] }, { SecurityOpt: ['disable'] }, { SecurityOpt: ['label=type:x_t', 'label=disable'] }]) assert.deepEqual(await take('a', host), { mount: 'system_u:object_r:container_file_t:s0:c1022,c1023' });
    assert.match((await take('a', { Privileged: true, SecurityOpt: ['label=type:spc_t'] }))?.process ?? '', /:spc_t:s0:c/);
  });

  it('are those of the container whose processes or memory are shared', async () => {
    const first = await take('a', { SecurityOpt: ['label=type:svirt_t'] });
    assert.deepEqual(await take('b', { IpcMode: 'container:a' }), { process: first?.process, mount: first?.mount });
    await take('c');
    await assert.rejects(take('d', { IpcMode: 'container:a', PidMode: 'container:c' }), { code: 'INVALID_CONTAINER_CONFIG', message: /--ipc and --pid/ });
    await assert.rejects(take('d', { PidMode: 'container:zz' }), { code: 'NO_SUCH_CONTAINER' });
  });

  it('of what is mounted are the container’s own with Z, everybody’s with z and in volumes, and else not touched', () => {
    const mount = 'u:object_r:container_file_t:s0:c1,c2';
    const shared = 'u:object_r:container_file_t:s0';
    const rows: ReadonlyArray<[type: 'bind' | 'volume' | 'tmpfs', mode: string, label: string | undefined]> = [['bind', '', undefined], ['bind', 'ro', undefined], ['bind', 'ro,z', shared], ['bind', 'Z', mount], ['volume', '', shared], ['volume', 'z', shared], ['volume', 'Z,ro', mount], ['tmpfs', '', undefined]];
    for (const [type, mode, label] of rows) assert.equal(labelFor({ type, mode }, mount), label, `${type} ${mode}`);
  });
});
