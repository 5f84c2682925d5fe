import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { EndpointWorld } from '../../support/endpointWorld.ts';

const LINES = 3_000_000;
const MIB = 1024 * 1024;
/** Of all that is on the way: SSH's window, sockets, pipes, what one read brings. */
const ON_THE_WAY = 12 * MIB;

const until = async (condition: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  for (const end = Date.now() + 40_000; !(await condition()); await delay(50)) assert.ok(Date.now() < end, what);
};
const commandOf = (pid: string | number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};
const processes = (begin: string): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).startsWith(begin)).map(Number);
const stateOf = (pid: number): string => (existsSync(`/proc/${pid}/exe`) ? (/\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '') : '');
const writtenBy = (pid: number): number => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
const memoryOf = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

describe('a terminal whose client does not read', () => {
  let world: EndpointWorld;
  before(async function () {
    this.timeout(300_000); // its base image may have to be made first
    world = await EndpointWorld.start('raflow');
  });
  const clients = new Set<ChildProcess>();
  after(async () => {
    for (const ssh of clients) ssh.kill('SIGKILL');
    await world.remove();
  });

  interface Stalled {
    readonly ssh: ChildProcess;
    readonly output: Readable;
    /** What writes, and the conmon that holds its terminal. */
    readonly writer: number;
    readonly conmon: number;
  }
  /** A session whose client has stopped, and whose process waits for it. `end`: the last of its numbers. */
  const stall = async (end: number): Promise<Stalled> => {
    const ssh = world.startSsh(['-tt', world.alias, `exec seq 1 ${end}`]);
    clients.add(ssh.once('close', () => clients.delete(ssh)));
    const output = ssh.stdout as Readable;
    output.pause();
    await until(() => processes(`seq 1 ${end}`).length > 0, 'it did not begin');
    const [writer = 0] = processes(`seq 1 ${end}`);
    ssh.kill('SIGSTOP');
    let before = -1;
    await until(async () => {
      const same = before === writtenBy(writer);
      before = writtenBy(writer);
      await delay(300);
      return same && before > 0 && before === writtenBy(writer);
    }, 'it writes and writes');
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${writer}/status`, 'utf8'))?.[1]);
    assert.match(commandOf(parent), /^conmon/);
    return { ssh, output, writer, conmon: parent };
  };
  const drop = async (ssh: ChildProcess): Promise<void> => {
    const gone = once(ssh, 'close');
    ssh.stdout?.resume();
    ssh.kill('SIGKILL');
    await gone;
  };

  it('waits, takes no memory of the engine, and brings everything in order afterwards', async () => {
    const engine = await world.dev.engine.pid();
    const before = memoryOf(engine);
    const { ssh, output, writer } = await stall(LINES);
    assert.ok(writtenBy(writer) < ON_THE_WAY, `${writtenBy(writer)} bytes were written for nobody`);
    assert.ok(memoryOf(engine) - before < 4 * ON_THE_WAY, `the engine grew by ${memoryOf(engine) - before}`);
    ssh.kill('SIGCONT');
    let [rest, next] = ['', 1];
    for await (const chunk of output) {
      const lines = (rest + String(chunk)).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) assert.equal(line, String(next++));
    }
    assert.deepEqual([next, rest], [LINES + 1, '']);
  });

  it('is let go when its process is ended, and when the client is', async () => {
    const one = await stall(LINES + 1);
    process.kill(one.writer, 'SIGKILL');
    await until(() => !existsSync(`/proc/${one.writer}`) && !existsSync(`/proc/${one.conmon}/exe`), 'nobody reaped it');
    await drop(one.ssh);
    const other = await stall(LINES + 2);
    await drop(other.ssh);
    await until(() => !existsSync(`/proc/${other.writer}`) && !existsSync(`/proc/${other.conmon}/exe`), 'it goes on without a client');
  });

  it('keeps neither its container from ending', async () => {
    const { ssh, conmon } = await stall(LINES + 3);
    const [container = ''] = await world.dev.containersOf(world.folder);
    await world.dev.engine.docker(['restart', '-t', '1', container]);
    await until(() => !existsSync(`/proc/${conmon}/exe`), 'its conmon stayed');
    await drop(ssh);
  });

  it('nor is it left stopped by an engine that is killed', async () => {
    const { ssh, conmon } = await stall(LINES + 4);
    assert.equal(stateOf(conmon), 'T');
    await world.dev.engine.kill();
    await until(() => stateOf(conmon) !== 'T', 'it waits for an engine that is gone');
    await drop(ssh);
    await world.dev.engine.startAgain();
  });
});
