import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backOff } from '../../../../engine/remote/link/backOff.ts';
import { takeLinkLock } from '../../../../engine/remote/link/linkLock.ts';
import { hostsFile, linkPaths, rememberedFile } from '../../../../engine/remote/link/paths.ts';
import type { ClientPlatform } from '../../../../engine/remote/link/paths.ts';
import { Questions } from '../../../../engine/remote/link/questions.ts';
import type { Question } from '../../../../engine/remote/connection.ts';

describe('the back-off', () => {
  it('tries at once, then waits longer and longer, up to half a minute', () => {
    assert.deepEqual([1, 2, 3, 4, 20, 2000].map((attempt) => backOff(attempt, 0.5)), [0, 250, 500, 1000, 30_000, 30_000]);
  });
  it('is spread by a quarter either way', () => {
    assert.deepEqual([backOff(4, 0), backOff(4, 1)], [750, 1250]);
  });
});

describe('the places of a link', () => {
  const linux: ClientPlatform = { platform: 'linux', env: { XDG_RUNTIME_DIR: '/run/user/7' }, home: '/home/me', uid: 7 };
  it('are in the user\'s runtime folder', () => {
    assert.deepEqual(linkPaths('far', linux), { folder: '/run/user/7/berth/hosts', socket: '/run/user/7/berth/hosts/far.sock', control: '/run/user/7/berth/hosts/far.ctl.sock', lock: '/run/user/7/berth/hosts/far.lock', log: '/run/user/7/berth/hosts/far.log' });
    assert.equal(hostsFile(linux), '/home/me/.config/berth/hosts.json');
    assert.equal(rememberedFile('far', linux), '/home/me/.local/state/berth/hosts/far.json');
  });
  it('are named pipes on Windows, of other names for other users', () => {
    const windows = (user: string): ClientPlatform => ({ platform: 'win32', env: { LOCALAPPDATA: `C:\\Users\\${user}\\AppData\\Local` }, home: `C:\\Users\\${user}`, uid: -1 });
    const one = linkPaths('far', windows('one'));
    assert.match(one.socket, /^\\\\\.\\pipe\\berth-[0-9a-f]{12}-far$/);
    assert.match(one.control, /^\\\\\.\\pipe\\berth-[0-9a-f]{12}-far\.ctl$/);
    assert.notEqual(one.socket, linkPaths('far', windows('two')).socket);
  });
});

describe('the lock of a link', () => {
  let folder: string;
  let path: string;
  const control = (): string => join(folder, 'far.ctl.sock');
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-lock-'));
    path = join(folder, 'far.lock');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is one process\'s until it lets go', async () => {
    const [one, ...others] = (await Promise.all(Array.from({ length: 8 }, () => takeLinkLock(path, control())))).filter((lock) => lock !== undefined);
    assert.ok(one);
    assert.equal(others.length, 0);
    assert.equal(await takeLinkLock(path, control()), undefined);
    await one.release();
    assert.deepEqual(await readdir(folder), []);
    assert.ok(await takeLinkLock(path, control()));
  });

  it('of a process that is gone is taken over by one of those who want it', async () => {
    await writeFile(path, JSON.stringify({ pid: 2 ** 22 + 1, nonce: 'dead', serving: false }));
    const locks = await Promise.all(Array.from({ length: 8 }, () => takeLinkLock(path, control())));
    const held = locks.filter((lock) => lock !== undefined);
    const serving = await Promise.all(held.map((lock) => lock.serve()));
    assert.equal(serving.filter(Boolean).length, 1);
  });

  it('whose number is another process\'s by now is taken over: its control socket does not answer', async () => {
    await writeFile(path, JSON.stringify({ pid: process.ppid, nonce: 'old', serving: true }));
    assert.ok(await takeLinkLock(path, control()));
  });

  it('of a link that is starting is left alone; one that never served is not waited for for ever', async () => {
    await writeFile(path, JSON.stringify({ pid: process.ppid, nonce: 'young', serving: false }));
    assert.equal(await takeLinkLock(path, control()), undefined);
    await utimes(path, 1, 1);
    assert.ok(await takeLinkLock(path, control()));
  });

  it('that is damaged is replaced once nobody can be writing it', async () => {
    await writeFile(path, '');
    assert.equal(await takeLinkLock(path, control()), undefined);
    await utimes(path, 1, 1);
    assert.ok(await takeLinkLock(path, control()));
  });

  it('that somebody else took over is not removed by the one who lost it', async () => {
    const mine = await takeLinkLock(path, control());
    await writeFile(path, JSON.stringify({ pid: process.ppid, nonce: 'other', serving: true }));
    assert.equal(await mine?.serve(), false);
    await mine?.release();
    assert.ok(existsSync(path));
  });
});

describe('questions', () => {
  const question: Question = { kind: 'password', user: 'me', host: 'far' };
  const open = new AbortController().signal;

  it('are declined when nobody is there', async () => {
    assert.equal(await new Questions(() => undefined).ask(question, open), undefined);
  });

  it('are answered by whoever watches, one after the other', async () => {
    let changes = 0;
    const questions = new Questions(() => (changes += 1));
    questions.watch();
    const first = questions.ask(question, open);
    const second = questions.ask({ ...question, user: 'you' }, open);
    const asked = questions.current;
    assert.ok(asked);
    assert.ok(questions.answer(asked.id, ['secret']));
    assert.deepEqual(await first, ['secret']);
    assert.equal(questions.answer(asked.id, ['again']), false);
    assert.ok(questions.answer(questions.current?.id ?? '', undefined));
    assert.equal(await second, undefined);
    assert.equal(questions.current, undefined);
    assert.equal(changes, 4);
  });

  it('end with the last who watches, and with the attempt that asked', async () => {
    const questions = new Questions(() => undefined);
    const leave = [questions.watch(), questions.watch()];
    const asked = questions.ask(question, open);
    leave[0]?.();
    leave[0]?.();
    assert.ok(questions.current);
    leave[1]?.();
    assert.equal(await asked, undefined);
    questions.watch();
    const attempt = new AbortController();
    const another = questions.ask(question, attempt.signal);
    attempt.abort();
    assert.equal(await another, undefined);
  });
});
