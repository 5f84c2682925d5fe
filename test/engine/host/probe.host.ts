import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doctorReportSchema } from '../../../engine/api/berth/doctor.ts';
import { run } from '../../../engine/host/process.ts';
import { probeHost } from '../../../engine/host/probe.ts';
import { realHostView } from '../../../engine/host/probeView.ts';
import { doctorRoutes } from '../../../engine/server/routes/berth/doctor.ts';
import { serveRoutes } from '../../support/routeServer.ts';

describe('the probe on this host', () => {
  const config = { dataRoot: join(tmpdir(), 'berth-probe-test', 'data'), runRoot: join(tmpdir(), 'berth-probe-test', 'run'), socketPath: join(tmpdir(), 'berth-probe-test', 'run', 's'), instance: 'tprobe', idleSeconds: 0 };

  it('finds it able to run containers, by really mounting an overlay and making a table, and leaves nothing of either', async () => {
    const before = await readdir(tmpdir());
    const report = await probeHost(realHostView(), config);
    assert.deepEqual(report.steps.filter(({ status }) => status === 'fail'), []);
    assert.match(report.steps.find(({ id }) => id === 'overlay')?.seen ?? '', /mounted and written/);
    assert.match(report.steps.find(({ id }) => id === 'nft')?.seen ?? '', /a table was made and removed/);
    assert.ok(!(await run('nft', ['list', 'tables'])).stdout.includes('berth_probe'));
    assert.ok(!(await readFile('/proc/self/mounts', 'utf8')).includes('.berth-probe-'));
    assert.deepEqual((await readdir(tmpdir())).filter((name) => name.startsWith('.berth-probe-') && !before.includes(name)), []);
  });

  it('plans what --fix would install when tools are not there', async () => {
    const view = realHostView();
    const report = await probeHost({ ...view, which: (name) => (['crun', 'runc', 'conmon'].includes(name) ? undefined : view.which(name)) }, config);
    assert.ok(!report.ok);
    assert.equal(report.fix.manager, 'apt');
    assert.ok(report.fix.commands.at(-1)?.includes('conmon'));
  });

  it('answers over the API', async () => {
    await using server = await serveRoutes(doctorRoutes(() => probeHost(realHostView(), config)));
    assert.ok((await server.client.json('GET', '/berth/v1/doctor', doctorReportSchema)).ok);
  });
});
