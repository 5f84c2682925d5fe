import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { archivesIn } from '../../../../engine/remote/install/archive.ts';

const repository = resolve(import.meta.dirname, '../../../..');

describe('the archive of the engine', () => {
  it('has every program that the engine starts, but for what only the host can have', () => {
    const files = readdirSync(join(repository, 'engine'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    const sources = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const started = new Set(sources.flatMap((text) => [...text.matchAll(/(?<![.\w])(?:run|start)\('([a-z][\w.-]*)',/g)].map((match) => match[1] ?? '')));
    const contents = readFileSync(join(repository, 'scripts/engine-archive/contents.mjs'), 'utf8');
    const carried = new Set([...contents.matchAll(/'([\w.-]+)'/g)].map((match) => match[1]));
    // git and gpgconf run for their user; iptables and firewalld are only asked where the host's own rules are in the way; mmdebstrap is Perl, for `berth image bootstrap` only; npm, patchelf and
    // ldd are for `berth editor install`; busctl and loginctl ask the host's systemd; chmod, chown, find and sh are everywhere; ssh is the client's.
    const ofTheHost = new Set(['git', 'gpgconf', 'iptables', 'firewall-cmd', 'mmdebstrap', 'npm', 'patchelf', 'ldd', 'chmod', 'chown', 'find', 'ssh', 'sh', 'sync', 'busctl', 'loginctl']);
    assert.ok(started.has('conmon') && started.has('tar') && started.size > 8, [...started].join(' '));
    assert.deepEqual([...started].filter((name) => !carried.has(name) && !ofTheHost.has(name)), []);
  });

  it('is missed, or refused when this version cannot use it, by a code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-archives-'));
    try {
      await assert.rejects(archivesIn(folder).archiveFor('arm64'), { code: 'ENGINE_ARCHIVE_MISSING', params: { architecture: 'arm64', path: join(folder, 'berth-engine-linux-arm64.tar.gz') } });
      for (const text of ['{', '{"format":2}']) {
        writeFileSync(join(folder, 'berth-engine-linux-x64.json'), text);
        await assert.rejects(archivesIn(folder).archiveFor('x64'), { code: 'ENGINE_ARCHIVE_INVALID' });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
