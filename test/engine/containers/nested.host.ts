import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import type { RunResult } from '../../../engine/host/process.ts';
import { enginesTar } from '../../support/base.ts';
import { TestEngine, bundle } from '../../support/engine.ts';
import { busyboxTar } from '../../support/smallImage.ts';

const IMAGE = 'debian-engines';

/** An engine in a container. Its data is in a volume: an overlay cannot be made on an overlay. */
describe('an engine in a privileged container', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start({ instance: 'rcnest' });
    await engine.docker(['import', await enginesTar(), IMAGE]);
    const ours = [`${dirname(bundle)}:/opt/berth:ro`, `${dirname(process.execPath)}:/opt/node:ro`];
    await engine.docker(['run', '-d', '--name', 'outer', '--privileged', '--init', '-v', '/var/lib/berth', '-v', '/var/lib/docker', ...ours.flatMap((one) => ['-v', one]), IMAGE, 'sleep', '100000']);
    await engine.docker(['exec', '-i', 'outer', 'sh', '-c', 'cat > /tmp/small.tar'], { input: await busyboxTar() });
  });
  after(() => engine.remove());
  const inner = (command: readonly string[], env: readonly string[] = []): Promise<RunResult> => engine.docker(['exec', ...env.flatMap((one) => ['-e', one]), 'outer', ...command], { okStatus: 'any' });
  const berth = (...args: string[]): Promise<RunResult> => inner(['/opt/node/node', '/opt/berth/berth.cjs', ...args]);
  const client = (...args: string[]): Promise<RunResult> => inner(['docker', ...args], ['DOCKER_HOST=unix:///run/berth/berth.sock']);

  it('is Berth itself, with network, ports and limits', async () => {
    await berth('engine', 'start');
    await client('import', '/tmp/small.tar', 'small');
    assert.equal((await berth('run', '--rm', 'small', 'echo', 'inside')).stdout, 'inside\n');
    await berth('run', '-d', '--name', 'web', '-m', '64m', '-p', '127.0.0.1:8080:80', 'small', 'sh', '-c', 'echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
    const fetched = await inner(['bash', '-c', 'for i in $(seq 100); do exec 3<>/dev/tcp/127.0.0.1/8080 && break; sleep 0.1; done; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3']);
    assert.match(fetched.stdout, /hello\n$/);
    assert.match((await client('stats', '--no-stream', '--format', '{{.MemUsage}}', 'web')).stdout, /^[1-9].* \/ 64MiB\n$/);
    assert.equal((await client('exec', 'web', 'hostname')).stdout.length, 13);
    await client('rm', '-f', 'web');
    await berth('engine', 'stop');
  });

  it('is Docker’s, from Debian’s package', async () => {
    await engine.docker(['exec', '-d', 'outer', 'sh', '-c', 'exec dockerd > /tmp/dockerd.log 2>&1']);
    const ready = await inner(['sh', '-c', 'for i in $(seq 300); do docker version > /dev/null 2>&1 && exit 0; sleep 0.1; done; tail /tmp/dockerd.log; exit 1']);
    assert.equal(ready.stdout, '');
    await inner(['docker', 'import', '/tmp/small.tar', 'small']);
    const made = await inner(['docker', 'run', '--rm', '-m', '64m', '-p', '127.0.0.1:8081:80', 'small', 'echo', 'inside']);
    assert.equal(made.stdout, 'inside\n', made.stderr);
  });

  it('leaves nothing behind when its container goes', async () => {
    await engine.docker(['rm', '-f', '-v', 'outer']);
    assert.equal((await engine.docker(['volume', 'ls', '-q'])).stdout, '');
  });
});
