import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientMachine } from '../support/clientMachine.ts';
import { CutLine } from '../support/cutLine.ts';
import type { Cut } from '../support/cutLine.ts';
import { packagedEngine } from '../support/engineArchive.ts';
import { seededRandom } from '../support/random.ts';
import { RemoteHost } from '../support/remoteHost.ts';

const PORT = 28160;
const KIB = 1024;

describe('a first connect whose link is cut', () => {
  const seed = Number(process.env['BERTH_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const random = seededRandom(seed);
  const between = (least: number, most: number): number => least + Math.floor(random() * (most - least));
  let host: RemoteHost;
  let client: ClientMachine;
  let line: CutLine;
  let size: number;
  before(async function () {
    this.timeout(300_000);
    console.log(`        seed ${seed}`);
    client = await ClientMachine.create();
    size = (await (await packagedEngine()).archiveFor(process.arch as 'x64' | 'arm64')).size;
    host = await RemoteHost.start({ name: 'rtfirst' });
    line = await CutLine.listen(PORT, { host: host.address, port: 22 });
    await writeFile(join(client.home, '.ssh/config'), `Host rtfirst\n  HostName 127.0.0.1\n  Port ${PORT}\n  HostKeyAlias ${host.address}\n`, { mode: 0o600 });
    await client.know(host);
    await client.addHost('rtfirst');
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await line?.close();
    await host?.stop();
  });

  /** What is in the folder of engines on the host. */
  const there = (): string[] => {
    try {
      return readdirSync(join(host.folder, 'disk/root/.berth/engine'));
    } catch {
      return [];
    }
  };
  const cutAt = async (cut: Cut, codes: RegExp): Promise<void> => {
    const before = line.cuts;
    line.cutNext(cut);
    const { status, stderr } = await client.berth(['--host', 'rtfirst', 'ps'], { okStatus: 'any' });
    const where = JSON.stringify(cut);
    assert.equal(line.cuts, before + 1, `${where}: it was not cut: ${stderr}`);
    assert.equal(status, 1, `${where}: ${stderr}`);
    assert.match(stderr, /^berth: [^\n]+\[[A-Z_]+\]\n$/, `${where}: ${stderr}`);
    assert.match(stderr, codes, `${where}: ${stderr}`);
  };

  it('before the server introduced itself', () => cutAt({ down: 0 }, /SSH_CLOSED_AT_ONCE|SSH_UNREACHABLE/));

  it('in the key exchange', async () => {
    for (const cut of [{ down: between(45, 900) }, { up: between(30, 900) }]) await cutAt(cut, /SSH_HANDSHAKE_FAILED/);
  });

  it('in the log-in', async () => {
    for (const cut of [{ up: between(1_550, 1_900) }, { down: between(1_500, 2_000) }]) await cutAt(cut, /step: authentication.*SSH_LINK_LOST|SSH_HANDSHAKE_FAILED|step: asking.*REMOTE_CONNECTION_LOST/);
  });

  it('while the host is asked what it is', () => cutAt({ up: between(2_200, 3_400) }, /step: (asking the host what it is|carrying the engine there).*REMOTE_CONNECTION_LOST/));

  it('in the middle of the upload, twice', async () => {
    for (const share of [0.1, 0.4]) {
      await cutAt({ up: Math.floor(size * share) + between(0, size / 10) }, /was lost while the engine was carried there.*REMOTE_UPLOAD_INTERRUPTED/);
      const [part] = there().filter((name) => name.startsWith('.part-'));
      assert.ok(part !== undefined && (await stat(join(host.folder, 'disk/root/.berth/engine', part))).size > 0, 'nothing of it was kept');
    }
  });

  it('when all has arrived and is being unpacked', () => cutAt({ when: () => there().some((name) => name.startsWith('.new-')) }, /REMOTE_UPLOAD_INTERRUPTED/));

  it('while the engine is being started', async () => {
    await until(() => there().includes('current'), 'the end of what the host had begun');
    await cutAt({ when: () => existsSync(join(host.folder, 'disk/varlib/berth')) }, /step: starting the engine.*REMOTE_CONNECTION_LOST/);
  });

  it('goes through at last, and what arrived once was not carried again', async () => {
    const { stdout } = await client.berth(['--host', 'rtfirst', 'ps']);
    assert.match(stdout, /CONTAINER ID/);
    const doctor = await client.berth(['host', 'doctor', 'rtfirst']);
    assert.doesNotMatch(doctor.stdout, /FAILED/);
    await until(() => !there().some((name) => name.startsWith('.')), 'the end of partial files and locks');
    assert.ok(line.up > size && line.up < size * 1.1 + 512 * KIB, `${line.up} bytes for an archive of ${size}`);
  });
});

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; !condition(); await delay(20)) assert.ok(Date.now() < end, `${what} did not come`);
}
