import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { DoctorReport, FixPlan } from '../../../engine/api/berth/doctor.ts';
import { ApiClient } from '../../../engine/api/client.ts';
import type { CliContext } from '../../../engine/cli/context.ts';
import { registerDoctorCommand } from '../../../engine/cli/doctor.ts';
import { formatCommand } from '../../../engine/cli/doctorFormat.ts';
import { createProgram, runProgram } from '../../../engine/cli/program.ts';

const nothing: FixPlan = { manager: 'apt', commands: [], notes: [] };
const crun: FixPlan = { manager: 'apt', commands: [['apt-get', 'update'], ['apt-get', 'install', '-y', 'crun']], notes: [] };
const report = (ok: boolean, fix: FixPlan): DoctorReport => ({
  ok,
  system: 'Test Linux',
  kernel: '6.1.0',
  architecture: 'x64',
  steps: [
    { id: 'kernel', title: 'Kernel', status: 'ok', seen: '6.1.0', advice: '', tools: [] },
    { id: 'oci-runtime', title: 'OCI runtime', status: ok ? 'ok' : 'fail', seen: ok ? 'crun 1.8' : 'neither crun nor runc was found', advice: ok ? '' : 'Install it.', tools: ok ? [] : ['crun'] },
  ],
  fix,
});

async function doctor(args: string[], reports: DoctorReport[], typed?: string): Promise<{ out: string; err: string; status: number; ran: string[][] }> {
  const [stdin, stdout, stderr] = [Object.assign(new PassThrough(), { isTTY: typed !== undefined }), new PassThrough(), new PassThrough()];
  if (typed !== undefined) stdin.end(typed);
  const ran: string[][] = [];
  let status = 0;
  const context = {
    client: new ApiClient('/nowhere'), engine: () => Promise.reject(new Error('no engine is needed')), env: {}, cwd: '/', signal: new AbortController().signal,
    stdin, stdout, stderr, setExitStatus: (value: number) => void (status = value),
  } as unknown as CliContext;
  const probe = (): Promise<DoctorReport> => Promise.resolve(reports.length > 1 ? (reports.shift() as DoctorReport) : (reports[0] as DoctorReport));
  const run = (command: readonly string[]): Promise<number> => {
    ran.push([...command]);
    return Promise.resolve(command.includes('fails') ? 100 : 0);
  };
  await runProgram(createProgram('1', context, [registerDoctorCommand({ probe, run })]), ['doctor', ...args], context);
  stdout.end();
  stderr.end();
  return { out: await text(stdout), err: await text(stderr), status, ran };
}

describe('berth doctor', () => {
  it('prints a line a step with what to do, and ends with status 1 when one failed', async () => {
    const { out, status, ran } = await doctor([], [report(false, crun)]);
    assert.match(out, /^Test Linux, Linux 6\.1\.0, x64\nok {4}Kernel {7}6\.1\.0\nFAIL {2}OCI runtime {2}neither crun nor runc was found\n {6}→ Install it\.\n/);
    assert.match(out, /1 of 2 steps failed: containers cannot run yet\.\nberth doctor --fix would run:\n {2}apt-get update\n {2}apt-get install -y crun\n$/);
    assert.deepEqual([status, ran], [1, []]);
  });

  it('prints only JSON with --json', async () => {
    assert.deepEqual(JSON.parse((await doctor(['--json'], [report(true, nothing)])).out), report(true, nothing));
  });

  it('runs the commands after a yes and probes again', async () => {
    const { out, err, status, ran } = await doctor(['--fix'], [report(false, crun), report(true, nothing)], 'y\n');
    assert.match(err, /To be run:\n {2}apt-get update\n.*Run this\? \[y\/N\]/s);
    assert.deepEqual([ran, status], [crun.commands, 0]);
    assert.match(out, /This host can run containers\.\n$/);
  });

  it('runs nothing after anything but yes, and nothing without a terminal', async () => {
    assert.deepEqual((await doctor(['--fix'], [report(false, crun)], '\n')).ran, []);
    const { err, ran, status } = await doctor(['--fix'], [report(false, crun)]);
    assert.match(err, /Add --yes/);
    assert.deepEqual([ran, status], [[], 1]);
  });

  it('does not ask with --yes and stops at the first command that fails', async () => {
    const failing: FixPlan = { manager: 'apt', commands: [['fails'], ['never']], notes: [] };
    const { err, ran } = await doctor(['--fix', '--yes'], [report(false, failing)]);
    assert.match(err, /fails ended with status 100/);
    assert.deepEqual(ran, [['fails']]);
  });

  it('quotes words that a shell would take apart', () => assert.equal(formatCommand(['a', 'b c', "d'e"]), "a 'b c' 'd'\\''e'"));
});
