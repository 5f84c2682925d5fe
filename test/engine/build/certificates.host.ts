import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseTar } from '../../support/base.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { TestEngine } from '../../support/engine.ts';

describe('BERTH_BUILD_CERTIFICATES', () => {
  let engine: TestEngine;
  let server: Server;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-boutcert-'));
    const authority = await makeAuthority(folder);
    const { cert, key } = await authority.issue('server');
    server = createServer({ cert: await readFile(cert), key: await readFile(key) }, (_request, response) => response.end('over TLS'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    engine = await TestEngine.start({ instance: 'boutcert', env: { BERTH_BUILD_CERTIFICATES: authority.ca } });
    await engine.docker(['import', await baseTar(), 'debian']);
  });
  after(async () => {
    server.close();
    await engine.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('lets commands trust the authority, also while a package replaces the bundle, and leaves nothing in the image', async () => {
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const path = join(engine.root, 'app');
    await mkdir(path);
    const tls = `openssl s_client -connect ${address} -verify_return_error < /dev/null > /dev/null 2>&1`;
    await writeFile(join(path, 'Dockerfile'), `FROM debian\nRUN ${tls} && update-ca-certificates --fresh && ${tls} && /usr/lib/apt/apt-helper download-file https://${address}/file /got && ! env -u SSL_CERT_FILE ${tls}\n`);
    const id = (await engine.berth(['build', '-q', '--network', 'host', path])).stdout.trim();
    assert.equal((await engine.docker(['run', '--rm', id, 'cat', '/got'])).stdout, 'over TLS');
    assert.doesNotMatch((await engine.docker(['run', '--rm', id, 'sh', '-c', 'env; ls /run'])).stdout, /CERT|APT_CONFIG|berth/);
    assert.doesNotMatch((await engine.docker(['inspect', id])).stdout, /SSL_CERT_FILE|berth-certificates/);
    const own = (await readFile(join(folder, 'ca.crt'), 'utf8')).split('\n')[2] ?? assert.fail('no certificate');
    assert.doesNotMatch((await engine.docker(['run', '--rm', id, 'cat', '/etc/ssl/certs/ca-certificates.crt'])).stdout, new RegExp(own.replaceAll(/[+/]/g, '.')));
  });
});
