import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { AttachSocket } from '../../../engine/host/attachSocket.ts';
import { start } from '../../../engine/host/process.ts';

/** Perl is on every Debian: answers each packet with a 2 before it, until the input ends; with `slow` it first waits for a line of its stdin. */
const SERVER = `use Socket; socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; listen($s, 1) or die;
$| = 1; print "listening\\n"; my $wait = $ARGV[1]; <STDIN> if $wait eq "full";
while (accept(my $c, $s)) { <STDIN> if $wait eq "slow"; while (1) { my $n = sysread($c, my $d, 65536); last unless $n; syswrite($c, "\\x02$d"); } close $c; }`;

describe('the attach socket', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-attach-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function withServer(wait: 'no' | 'slow' | 'full', work: (go: () => void) => Promise<void>): Promise<void> {
    const server = start('perl', ['-e', SERVER, join(folder, 'attach'), wait], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(server.stdout!, 'data');
      await work(() => server.stdin?.write('go\n'));
    } finally {
      server.kill('SIGKILL');
    }
  }

  /** Connects; `said` is all that came, once it has ended. */
  async function attach(): Promise<{ socket: AttachSocket; said: Promise<Buffer> }> {
    const chunks: Buffer[] = [];
    let ended = (_all: Buffer): void => undefined;
    const said = new Promise<Buffer>((resolve) => (ended = resolve));
    const socket = await AttachSocket.connect(folder, { output: (chunk) => void chunks.push(chunk), end: () => ended(Buffer.concat(chunks)) });
    return { socket, said };
  }

  it('carries input that the other side takes slowly, whole and in order', () =>
    withServer('slow', async (go) => {
      const { socket, said } = await attach();
      const data = randomBytes(3_000_000);
      let taken = false;
      const written = socket.write(data).then(() => (taken = true));
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(taken, false, 'the kernel cannot have taken all of it');
      go();
      await written;
      socket.endInput();
      assert.ok((await said).equals(data));
    }));

  it('waits when others wait to be accepted', () =>
    withServer('full', async (go) => {
      const first = await Promise.all([attach(), attach()]);
      const third = attach();
      go();
      for (const { socket, said } of [...first, await third]) {
        await socket.write(Buffer.from('hello'));
        socket.endInput();
        assert.equal((await said).toString(), 'hello');
      }
    }));

  it('ends a write when it is closed, and writes nothing more', () =>
    withServer('slow', async () => {
      const { socket, said } = await attach();
      const written = socket.write(Buffer.alloc(3_000_000));
      socket.close();
      await written;
      await socket.write(Buffer.from('more'));
      assert.equal((await said).length, 0);
    }));

  it('says when nobody is there', async () => {
    await assert.rejects(AttachSocket.connect(folder, { output: () => undefined, end: () => undefined }), { code: 'ENOENT' });
  });
});
