import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { bundle } from '../support/engine.ts';
import { RemoteHost } from '../support/remoteHost.ts';

/** How long the cable is out. */
const CUT_MS = Number(process.env['BERTH_TEST_CUT_SECONDS'] ?? 2) * 1000;
const LINES = Math.max(300, CUT_MS / 10);
const numbered = (word: string): string => Array.from({ length: LINES }, (_, index) => `${word} ${index}\n`).join('');
const count = (word: string): string => `i=0; while [ $i -lt ${LINES} ]; do echo ${word} $i; i=$((i+1)); sleep 0.01; done`;

/** A program whose output the test reads as it grows. */
class Talk {
  said = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  says(text: string): Promise<void> {
    return until(() => this.said.includes(text), () => `${text} did not come: ${this.said}`);
  }
}

describe('a link by SSH that is lost', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  const talks: Talk[] = [];
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rtlost' });
    await client.know(host);
    await client.addHost('rtlost');
    await client.berth(['--host', 'rtlost', 'ps']);
    await docker('import', await baseTar(), 'debian:bookworm');
    await docker('run', '-d', '--name', 'steady', 'debian:bookworm', 'sleep', '1000');
    await mkdir(join(client.home, 'context'));
    await writeFile(join(client.home, 'context/Dockerfile'), `FROM debian:bookworm\nRUN ${count('built')}\n`);
  });
  afterEach(async () => {
    for (const { child, ended } of talks.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });

  const docker = async (...args: string[]): Promise<string> => (await client.docker('rtlost', args)).stdout;
  const begin = (program: string, args: readonly string[]): Talk => {
    const talk = new Talk(start(program, args, { cwd: client.home, env: { ...client.env, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'pipe'] }));
    talks.push(talk);
    return talk;
  };
  const state = async (): Promise<string> => (await client.berth(['host', 'list'])).stdout.split('\n').find((row) => row.startsWith('rtlost')) ?? '';
  const unmoved = async (): Promise<string> => `${await docker('inspect', '-f', '{{.State.Pid}} {{.State.StartedAt}}', 'steady')}${(await host.exec('cat /run/berth/*.pid 2>/dev/null; pgrep -xf ".*berth.* engine( .*)?"', { okStatus: 'any' })).stdout}`;

  /** A build, a shell and a followed log; in the middle of them the trouble. */
  async function goOnThrough(name: string, trouble: (shell: Talk) => Promise<void>): Promise<void> {
    const before = await unmoved();
    await docker('run', '-d', '--name', name, 'debian:bookworm', 'sh', '-c', `sleep 1; ${count('logged')}`);
    const build = begin('docker', ['-H', `unix://${client.socket('rtlost')}`, 'build', '--no-cache', '-t', name, 'context']);
    const logs = begin(process.execPath, [bundle, '--host', 'rtlost', 'logs', '-f', name]);
    const shell = begin('script', ['-q', '-e', '-f', '-c', `'${process.execPath}' '${bundle}' --host rtlost container exec -it steady sh`, '/dev/null']);
    await shell.says('# ');
    shell.child.stdin?.write('echo one-$((1+1))\n');
    await Promise.all([shell.says('one-2'), build.says('built 20\n'), logs.says('logged 20\n')]);
    await trouble(shell);
    await shell.says('two-4');
    shell.child.stdin?.write('exit 7\n');
    assert.equal(await shell.ended, 7, shell.said);
    assert.equal(shell.said.split('two-4').length, 2, shell.said);
    assert.deepEqual([await logs.ended, logs.said], [0, numbered('logged')]);
    assert.equal(await build.ended, 0, build.said);
    assert.ok(build.said.includes(numbered('built')), build.said);
    assert.match(build.said, new RegExp(`Successfully tagged ${name}:latest`));
    assert.equal(await unmoved(), before);
    assert.match(await state(), /connected$/);
  }

  it('because the cable was out for a while: all goes on when it is back', () =>
    goOnThrough('cut', async (shell) => {
      await host.cut();
      shell.child.stdin?.write('echo two-$((2+2))\n');
      await delay(CUT_MS);
      assert.ok(!shell.said.includes('two-4'), 'the cable was not out');
      await host.restore();
    }));

  it('because the host ended the connection: all goes on over the next, and host list says how it is', () =>
    goOnThrough('reset', async (shell) => {
      // The server is held, so that the client is seen on its way.
      const listener = (await host.exec('pgrep -of "^sshd: /usr/sbin/sshd"')).stdout.trim();
      await host.exec(`kill -STOP ${listener}; kill -KILL $(pgrep -f "^sshd: root")`);
      try {
        await until(async () => (await state()).includes('reconnecting'), state);
        shell.child.stdin?.write('echo two-$((2+2))\n');
      } finally {
        await host.exec(`kill -CONT ${listener}`);
      }
      await until(async () => / connected$/.test(await state()), state);
    }));
});

async function until(condition: () => boolean | Promise<boolean>, what: () => string | Promise<string>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition()); await delay(50)) assert.ok(Date.now() < end, await what());
}
