import assert from 'node:assert/strict';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Launcher } from '../../../engine/host/launch.ts';
import { launch, run, statusOf, useLauncher } from '../../../engine/host/process.ts';

describe('processes that are started without a fork', () => {
  let folder: string;
  let launcher: Launcher | undefined;
  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'berth-launch-')));
    launcher = await Launcher.open();
    assert.ok(launcher);
    useLauncher(launcher);
  });
  after(() => {
    useLauncher(undefined);
    rmSync(folder, { recursive: true, force: true });
  });
  const shell = (script: string, options: Parameters<typeof run>[2] = {}): ReturnType<typeof run> => run('sh', ['-c', script], { okStatus: 'any', ...options });

  it('get arguments, environment, folder and input, and what they print is kept', async () => {
    assert.deepEqual(await run('printf', ['%s|', 'one two', '', '한글', '*']), { status: 0, stdout: 'one two||한글|*|', stderr: '' });
    assert.equal((await shell('echo "$ONLY:$HOME"; pwd; echo bad >&2; exit 3', { env: { PATH: process.env['PATH'], ONLY: 'this' }, cwd: folder })).stdout, `this:\n${folder}\n`);
    process.env['BERTH_LAUNCH_TEST'] = 'inherited';
    assert.equal((await shell('echo $BERTH_LAUNCH_TEST')).stdout, 'inherited\n');
    delete process.env['BERTH_LAUNCH_TEST'];
    assert.deepEqual(await shell('cat; cat /dev/stdin | wc -c; echo x >> /dev/stderr', { input: 'words' }), { status: 0, stdout: 'words5\n', stderr: 'x\n' });
    assert.deepEqual(await shell('echo one; echo two > /dev/stdout; echo bad >&2; echo worse > /dev/stderr; echo three'), { status: 0, stdout: 'one\ntwo\nthree\n', stderr: 'bad\nworse\n' });
    assert.equal((await shell('(sleep 0.2; echo late) & echo early')).stdout, 'early\nlate\n');
    const large = 'x'.repeat(10 * 1024 * 1024);
    assert.equal((await run('cat', [], { input: large })).stdout.length, large.length);
    assert.equal((await shell('cat')).stdout, '');
  });

  it('end with a status or by a signal, and have the signals that a program expects', async () => {
    assert.equal((await shell('exit 7')).status, 7);
    await assert.rejects(run('sh', ['-c', 'echo broken >&2; exit 7']), { code: 'HOST_COMMAND_FAILED', message: /7[\s\S]*broken/ });
    assert.equal(await statusOf(launch('sh', ['-c', 'kill -TERM $$'], { stdio: [] })), 143);
    assert.equal(await statusOf(launch('sh', ['-c', 'kill -PIPE $$'], { stdio: [] })), 141); // Node itself does without SIGPIPE
    assert.match((await run('sh', ['-c', 'grep -E "^Sig(Blk|Ign)" /proc/self/status'])).stdout, /^SigBlk:\t0+\nSigIgn:\t0+\n$/);
  });

  it('that cannot start say why, and leave nothing', async () => {
    await assert.rejects(run('berth-no-such-program', []), { code: 'HOST_TOOL_MISSING' });
    await assert.rejects(statusOf(launch('berth-no-such-program', [], { stdio: [] })), { code: 'HOST_TOOL_MISSING' });
    await assert.rejects(run(join(folder, 'absent'), []), { code: 'HOST_TOOL_MISSING' });
    await assert.rejects(run('true', [], { cwd: join(folder, 'absent') }), { code: 'HOST_TOOL_MISSING' });
    const data = join(folder, 'data');
    writeFileSync(data, 'no program');
    await assert.rejects(run(data, []), { code: 'EACCES' });
    chmodSync(data, 0o755);
    await assert.rejects(run(data, []), { code: 'ENOEXEC' });
    await assert.rejects(run('printf', ['a\0b']), { code: 'EINVAL' });
  });

  it('are ended when they are given up', async () => {
    await assert.rejects(run('sleep', ['60'], { signal: AbortSignal.timeout(50) }), { name: 'AbortError' });
    await assert.rejects(run('sleep', ['60'], { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  it('get the descriptors that they are given, in their order, and no others', async () => {
    const names = ['zero', 'one', 'two', 'three'];
    for (const name of names) writeFileSync(join(folder, name), name);
    const fds = names.map((name) => openSync(join(folder, name), 'r+'));
    const out = openSync(join(folder, 'out'), 'w');
    // Those of the engine's low numbers are in the way of the child's.
    assert.equal(await statusOf(launch('sh', ['-c', 'cat <&0; cat <&2; cat <&3; cat <&4; ls -l /proc/$$/fd | grep -c "$0"', folder], { stdio: [fds[3] ?? 0, out, fds[2] ?? 0, fds[1] ?? 0, fds[0] ?? 0] })), 0);
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), 'threetwoonezero5\n');
    for (const fd of [...fds, out]) closeSync(fd);
  });

  it('may have a session of their own', async () => {
    const session = async (detached: boolean): Promise<string> => {
      const out = openSync(join(folder, 'session'), 'w');
      await statusOf(launch('sh', ['-c', 'set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo own || echo ours'], { stdio: ['ignore', out], detached }));
      closeSync(out);
      return readFileSync(join(folder, 'session'), 'utf8').trim();
    };
    assert.deepEqual([await session(true), await session(false)], ['own', 'ours']);
  });

  it('leave nothing behind, however many there are', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
    await shell('true');
    const [before, kept] = [open(), children()];
    const results = await Promise.all(Array.from({ length: 200 }, (_none, index) => shell(`echo ${index}; exit ${index % 5}`)));
    assert.deepEqual(results.map(({ status, stdout }) => [status, stdout]), results.map((_none, index) => [index % 5, `${index}\n`]));
    for (let tries = 0; tries < 50 && (open() > before || children() !== kept); tries += 1) await delay(20);
    assert.deepEqual([open(), children()], [before, kept]);
  });
});
