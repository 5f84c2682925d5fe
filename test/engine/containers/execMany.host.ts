import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';
import { seededRandom } from '../../support/random.ts';

// A thousand: BERTH_EXECS=1000; the same ones again: BERTH_SEED=….
const COUNT = Number(process.env['BERTH_EXECS'] ?? 50);
const SEED = Number(process.env['BERTH_SEED'] ?? Date.now() % 1_000_000);

/** What there is of the engine and its container that an exec could leave something in. */
interface Footprint {
  readonly descriptors: number;
  readonly processes: number;
  readonly inside: number;
  readonly execs: readonly string[];
  /** A pool that is filled by 24 when 8 are left is not fuller than that. */
  readonly fifos: boolean;
  readonly runtime: number;
}

interface Exec {
  readonly Cmd: readonly string[];
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly AttachStdin?: boolean;
  readonly Tty?: boolean;
  readonly User?: string;
  readonly WorkingDir?: string;
}

describe(`execs, ${COUNT} of all kinds in a row (BERTH_SEED=${SEED})`, function () {
  this.timeout(30_000 + COUNT * 2000);
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start({ instance: 'remany' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['run', '-d', '--name', 'box', 'debian:bookworm', 'sleep', 'infinity']);
  });
  after(() => engine.remove());

  const createExec = async (exec: Exec): Promise<string> => (await engine.client.json('POST', '/containers/box/exec', z.looseObject({ Id: z.string() }), { json: exec })).Id;
  const state = z.looseObject({ Running: z.boolean(), ExitCode: z.number().nullable() });

  const kinds: ReadonlyArray<{ readonly exec: Exec; readonly code: number | null }> = [
    { exec: { Cmd: ['true'], AttachStdout: true }, code: 0 },
    { exec: { Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 5'], AttachStdout: true, AttachStderr: true }, code: 5 },
    { exec: { Cmd: ['cat'], AttachStdin: true, AttachStdout: true }, code: 0 },
    { exec: { Cmd: ['sh', '-c', 'echo $TERM; exit 6'], Tty: true, AttachStdout: true }, code: 6 },
    { exec: { Cmd: ['nonsense'], AttachStdout: true }, code: 127 },
    { exec: { Cmd: ['/etc/passwd'], Tty: true, AttachStdout: true }, code: 126 },
    { exec: { Cmd: ['ls'], WorkingDir: '/nowhere', AttachStdout: true }, code: 127 },
    { exec: { Cmd: ['sh', '-c', 'kill -9 $$'], AttachStdout: true }, code: 137 },
    { exec: { Cmd: ['true'], User: 'games', AttachStdout: true }, code: 0 },
    { exec: { Cmd: ['true'], User: 'nobody-there', AttachStdout: true }, code: null },
    { exec: { Cmd: ['sh', '-c', 'exit 9'] }, code: 9 }, // detached
    { exec: { Cmd: ['sh', '-c', 'exit 8'], Tty: true }, code: 8 }, // detached, with a terminal
  ];

  const footprint = async (): Promise<Footprint> => {
    const pid = await engine.pid();
    const processes = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(async (name) => ((await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).includes(engine.root) ? name : '')));
    return {
      descriptors: (await readdir(`/proc/${pid}/fd`)).length,
      processes: processes.filter(Boolean).length,
      inside: (await engine.docker(['top', 'box'])).stdout.trim().split('\n').length - 1,
      execs: await readdir(join(engine.runRoot, 'execs')),
      fifos: (await readdir(join(engine.runRoot, 'fifos'))).length <= 32,
      runtime: (await readdir(join(engine.runRoot, 'oci'), { recursive: true })).length,
    };
  };
  /** What was under way (a pool that refills, a connection that closes) is over: it is as wanted, or twice the same. */
  const settled = async (wanted?: (now: Footprint) => boolean): Promise<Footprint> => {
    let last = await footprint();
    for (const end = Date.now() + 10_000; Date.now() < end; ) {
      await delay(150);
      const now = await footprint();
      const enough = wanted ? wanted(now) : isDeepStrictEqual(now, last);
      last = now;
      if (enough) break;
    }
    return last;
  };
  /** Nothing more than before; what the engine had open for other work (threads that unpack) may have been closed since. */
  const assertNothingLeft = async (before: Footprint): Promise<void> => {
    const capped = (now: Footprint): Footprint => ({ ...now, descriptors: Math.max(now.descriptors, before.descriptors) });
    assert.deepEqual(capped(await settled((now) => isDeepStrictEqual(capped(now), before))), before);
  };

  const runOne = async ({ exec, code }: (typeof kinds)[number]): Promise<void> => {
    const id = await createExec(exec);
    const detached = !exec.AttachStdout;
    const start = { json: { Detach: detached, Tty: exec.Tty ?? false } };
    if (detached) await engine.client.send('POST', `/exec/${id}/start`, start);
    else {
      const { socket } = await engine.client.hijack('POST', `/exec/${id}/start`, start);
      if (exec.AttachStdin) socket.end('typed\n');
      await finished(socket.resume(), { writable: false });
      socket.destroy();
    }
    for (;;) {
      const { Running, ExitCode } = await engine.client.json('GET', `/exec/${id}/json`, state);
      if (!Running) {
        if (code !== null) assert.equal(ExitCode, code, JSON.stringify(exec));
        return;
      }
      await delay(10);
    }
  };

  it('leave no process, descriptor or file behind, and say how each ended', async () => {
    for (const kind of kinds) await runOne(kind); // what is made once is there now
    const before = await settled();
    const random = seededRandom(SEED);
    for (let count = 0; count < COUNT; count++) await runOne(kinds[Math.floor(random() * kinds.length)] ?? { exec: { Cmd: ['true'] }, code: 0 });
    await assertNothingLeft(before);
  });

  it('whose clients break off leave nothing either', async () => {
    const before = await settled();
    for (let count = 0; count < Math.ceil(COUNT / 10); count++) {
      const Tty = count % 2 === 0;
      const id = await createExec({ Cmd: ['sleep', '0.1'], AttachStdout: true, AttachStdin: true, Tty });
      (await engine.client.hijack('POST', `/exec/${id}/start`, { json: { Detach: false, Tty } })).socket.destroy();
    }
    await assertNothingLeft(before);
  });
});
