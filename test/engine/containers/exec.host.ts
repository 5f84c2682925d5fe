import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerWorld, unframe } from '../../support/containerWorld.ts';
import { defaultCapabilities } from '../../support/needs.ts';

/** A client as a hijacked connection: what it gets, what it sends, and its half-close. */
class Client {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly stream = Duplex.from({ readable: this.input, writable: this.output });
  readonly #chunks: Buffer[] = [];

  constructor() {
    this.output.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  get raw(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  get text(): string {
    return unframe(Buffer.concat(this.#chunks)).map(({ text }) => text).join('');
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.raw)) await once(this.output, 'data', { signal: AbortSignal.timeout(10_000) });
  }
}

describe('exec and attach', () => {
  let world: ContainerWorld;
  let id = '';
  before(async () => {
    world = await ContainerWorld.create('exec');
    id = await world.start(['sleep', '100000'], { Env: ['FROM=container'], HostConfig: { CapDrop: ['CHOWN'] } });
  });
  after(() => world.remove());

  it('runs a command, streams apart, with its exit status', async () => {
    assert.deepEqual(await world.exec(id, ['sh', '-c', 'echo out; echo err > /dev/stderr; exit 5']), { exitCode: 5, stdout: 'out\n', stderr: 'err\n' });
  });

  it("has the container's environment and restrictions, and what it asks for itself", async () => {
    const { stdout } = await world.exec(id, ['sh', '-c', 'echo $FROM $MORE $HOME; id -u; pwd; grep -E "CapEff|Seccomp:|CapBnd" /proc/self/status'], { Env: ['MORE=1'], User: 'games', WorkingDir: '/usr/games' });
    const lines = stdout.split('\n');
    assert.deepEqual(lines.slice(0, 3), ['container 1 /usr/games', '5', '/usr/games']);
    assert.match(stdout, /CapEff:\t0{16}/);
    assert.match(stdout, new RegExp(`CapBnd:\\t${defaultCapabilities(1n)}`)); // Docker's default set without CHOWN
    assert.match(stdout, /Seccomp:\t2/);
  });

  it('passes input through until the client ends it', async () => {
    const exec = world.containers.execs.create(id, { Cmd: ['sh', '-c', 'cat; echo done'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const client = new Client();
    const ended = world.containers.execs.start(exec, client.stream);
    client.input.write('a line\n');
    client.input.end('another\n');
    await ended;
    assert.equal(client.text, 'a line\nanother\ndone\n');
  });

  it('moves megabytes both ways unharmed', async () => {
    const exec = world.containers.execs.create(id, { Cmd: ['cat'], AttachStdin: true, AttachStdout: true });
    const client = new Client();
    const ended = world.containers.execs.start(exec, client.stream);
    const block = Buffer.alloc(64 * 1024, 'abcdefgh');
    for (let count = 0; count < 128; count++) if (!client.input.write(block)) await once(client.input, 'drain');
    client.input.end();
    await ended;
    assert.equal(client.text.length, 128 * block.length);
    assert.ok(client.text.startsWith('abcdefghabcdefgh') && client.text.endsWith('abcdefgh'));
  });

  it('says 127 and why for a command that is not there, on its output', async () => {
    const { exitCode, stdout, stderr } = await world.exec(id, ['nonsense']);
    assert.deepEqual([exitCode, stderr], [127, '']);
    assert.match(stdout, /^OCI runtime exec failed: exec failed: .*exec: "nonsense": executable file not found in \$PATH: unknown\r\n$/);
    assert.equal((await world.exec(id, ['/etc/passwd'])).exitCode, 126);
    assert.equal((await world.exec(id, ['ls'], { WorkingDir: '/nowhere' })).exitCode, 127);
  });

  it('runs detached, and fails at once when it cannot', async () => {
    const exec = world.containers.execs.create(id, { Cmd: ['sh', '-c', 'touch /detached; exit 9'] });
    await world.containers.execs.start(exec, undefined);
    const status = async (): Promise<{ Running: boolean; ExitCode: number | null }> => (await world.containers.execs.inspect(exec)) as { Running: boolean; ExitCode: number | null };
    while ((await status()).Running) await delay(10);
    assert.equal((await status()).ExitCode, 9);
    assert.equal((await world.exec(id, ['ls', '/detached'])).exitCode, 0);
    await assert.rejects(world.containers.execs.start(world.containers.execs.create(id, { Cmd: ['nonsense'] }), undefined), { code: 'COMMAND_NOT_FOUND' });
    await assert.rejects(world.containers.execs.start(exec, undefined), { status: 409 });
  });

  it('gives a terminal of the size asked for, which changes with the client', async () => {
    const exec = world.containers.execs.create(id, { Cmd: ['bash', '--norc'], Tty: true, AttachStdin: true, AttachStdout: true, AttachStderr: true, ConsoleSize: [33, 111] });
    const client = new Client();
    const ended = world.containers.execs.start(exec, client.stream);
    await client.until(/# $/);
    client.input.write('tty; stty size\r');
    await client.until(/\/dev\/pts\/0\r\n33 111\r\n/);
    await world.containers.execs.resize(exec, 44, 99);
    client.input.write('until stty size | grep -x "44 99"; do sleep 0.02; done; exit 6\r'); // as a signal, it comes when it comes
    await ended;
    assert.match(client.raw, /44 99\r\n/);
    assert.equal(((await world.containers.execs.inspect(exec)) as { ExitCode: number }).ExitCode, 6);
  });

  it('with a terminal says why it cannot start', async () => {
    const exec = world.containers.execs.create(id, { Cmd: ['nonsense'], Tty: true, AttachStdout: true });
    const client = new Client();
    await world.containers.execs.start(exec, client.stream);
    assert.match(client.raw, /executable file not found in \$PATH/);
    assert.equal(((await world.containers.execs.inspect(exec)) as { ExitCode: number }).ExitCode, 127);
  });

  it('attaches before the start and misses nothing; the end of input ends the command', async () => {
    const { id: other } = await world.containers.create({ Image: 'debian', Cmd: ['sh', '-c', 'echo first; cat; echo last >&2'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const client = new Client();
    const attached = world.containers.attach(other, client.stream, { stdin: true, stdout: true, stderr: true, detachKeys: '' });
    client.input.end('typed\n');
    await world.containers.start(other);
    await attached;
    assert.deepEqual(client.text.split('\n').sort(), ['', 'first', 'last', 'typed']);
    await world.containers.remove(other, { force: true });
  });

  it('lets a client detach by keys and another come', async () => {
    const other = await world.start(['bash', '--norc'], { Tty: true, OpenStdin: true, StdinOnce: true });
    const wants = { stdin: true, stdout: true, stderr: true, detachKeys: '' };
    const first = new Client();
    const left = world.containers.attach(other, first.stream, wants);
    first.input.write('X=kept\r');
    await first.until(/X=kept[^]*# $/);
    first.input.write('\x10\x11');
    await left;
    const second = new Client();
    const again = world.containers.attach(other, second.stream, wants);
    await world.containers.resize(other, 50, 120);
    second.input.write('echo $X; stty size; exit\r');
    await again;
    assert.match(second.raw, /kept\r\n50 120\r\n/);
    await world.containers.remove(other, { force: true });
  });

  it('refuses execs in containers that do not run', async () => {
    const { id: other } = await world.finish('true');
    assert.throws(() => world.containers.execs.create(other, { Cmd: ['true'] }), { code: 'CONTAINER_NOT_RUNNING', status: 409 });
    assert.throws(() => world.containers.execs.create('nothing', { Cmd: ['true'] }), { status: 404 });
    await assert.rejects(world.containers.execs.inspect('nothing'), { code: 'NO_SUCH_EXEC' });
    await world.containers.remove(other);
  });
});
