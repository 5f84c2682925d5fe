import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from '../../engine/host/process.ts';
import { dockerPeer } from '../bench/peers.ts';
import type { Peer } from '../bench/peer.ts';
import { baseTar } from '../support/base.ts';
import { writeContext } from '../support/corpusContext.ts';
import { readCorpus } from '../support/dockerfileCorpus.ts';
import type { CorpusCase } from '../support/dockerfileCorpus.ts';
import { TestEngine } from '../support/engine.ts';
import { commitAll, serveIn } from '../support/fileServer.ts';

/** What of an image's configuration must be as Docker makes it. */
const FIELDS = ['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal', 'Healthcheck', 'Shell', 'OnBuild'];

/** The same Dockerfiles, built by Docker's own daemon and by ours with the same client: differences are in docs/compatibility.md, or are bugs. */
describe('builds, beside Docker’s own', () => {
  const cases = [...readCorpus().values()].flat().filter(({ docker, tree, fails }) => docker || tree.length > 0 || fails !== undefined);
  let folder: string;
  let peer: Peer;
  let engine: TestEngine;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-dckbld-'));
    const docker = await dockerPeer(folder);
    assert.ok(docker, 'dockerd is not installed (Debian: docker.io)');
    peer = docker;
    await peer.start();
    engine = await TestEngine.start({ instance: 'dckbld' });
    const base = await baseTar();
    await Promise.all(sides().map((socket) => dockerAt(socket, ['import', '-c', 'CMD ["bash"]', base, 'debian'])));
  });
  after(async () => {
    await engine?.remove();
    await peer?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const ours = (): string => engine.env['BERTH_SOCKET'] ?? '';
  const sides = (): string[] => [peer.spec.socketPath, ours()];
  /** Its output goes to `file`, where one is named. */
  const dockerAt = async (socket: string, args: readonly string[], file?: string): Promise<string> => {
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: '0', DOCKER_CONFIG: folder };
    if (file === undefined) return (await run('docker', args, { env })).stdout;
    return (await run('sh', ['-c', 'out=$1; shift; exec docker "$@" > "$out"', 'sh', file, ...args], { env })).stdout;
  };

  const build = async (socket: string, { args, target }: CorpusCase, context: string): Promise<string> => {
    const flags = [...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]), ...(target === undefined ? [] : ['--target', target])];
    return (await dockerAt(socket, ['build', '-q', ...flags, context])).trim();
  };
  const configOf = async (socket: string, id: string): Promise<unknown> => {
    const [image] = JSON.parse(await dockerAt(socket, ['image', 'inspect', id])) as Array<{ Config: Record<string, unknown>; Author: string }>;
    return [Object.fromEntries(FIELDS.flatMap((field) => (isEmpty(image?.Config[field]) ? [] : [[field, image?.Config[field]]]))), image?.Author ?? ''];
  };
  const treeOf = async (socket: string, id: string, paths: readonly string[]): Promise<string[]> => {
    if (paths.length === 0) return [];
    const container = (await dockerAt(socket, ['create', id, 'x'])).trim();
    const file = join(folder, `tree-${sides().indexOf(socket)}.tar`);
    const lines: string[] = [];
    for (const path of paths) {
      await dockerAt(socket, ['cp', `${container}:${path}`, '-'], file).then(async () => lines.push(...(await describeTree(file))), (error: unknown) => lines.push(`${path} ${/no such file|not find/i.test(String(error)) ? 'is not there' : String(error)}`));
    }
    return lines;
  };

  it('of a context that is elsewhere: an archive, a Dockerfile alone, a folder of a Git repository', async () => {
    const files = join(folder, 'elsewhere');
    await mkdir(join(files, 'project/sub'), { recursive: true });
    await writeFile(join(files, 'project/sub/dockerfile'), 'FROM debian\nCOPY a.txt /in/\nCMD ["from", "elsewhere"]\n');
    await writeFile(join(files, 'project/sub/a.txt'), 'a');
    await writeFile(join(files, 'alone.txt'), 'FROM debian\nENV ALONE=1\nRUN mkdir /in\n');
    await run('tar', ['-czf', join(files, 'archive'), '-C', join(files, 'project/sub'), '.']);
    await commitAll(join(files, 'project'), 'branch');
    await run('git', ['clone', '-q', '--bare', join(files, 'project'), join(files, 'project.git')]);
    await run('git', ['-C', join(files, 'project.git'), 'update-server-info']);
    // Each daemon has a network of its own.
    await using near = await serveIn('', files);
    await using far = await serveIn(`/run/netns/${peer.spec.netns}`, files);
    const build = async (socket: string, at: typeof near, which: 'files' | 'repositories', path: string): Promise<unknown> => {
      const asked = request({ socketPath: socket, method: 'POST', path: `/build?t=elsewhere&remote=${encodeURIComponent(`${at[which]}${path}`)}` }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      const messages = await text(answer);
      assert.match(messages, /Successfully tagged elsewhere:latest/, `${path} at ${socket}: ${messages}`);
      return { config: await configOf(socket, 'elsewhere'), tree: await treeOf(socket, 'elsewhere', ['/in']) };
    };
    for (const [which, path] of [['files', '/archive'], ['files', '/alone.txt'], ['files', '/project.git#branch:sub'], ['repositories', '/project.git#branch:sub']] as const) {
      assert.deepEqual(await build(ours(), near, which, path), await build(peer.spec.socketPath, far, which, path));
    }
  });

  for (const one of cases) {
    it(one.name, async () => {
      const context = join(folder, 'contexts', String(cases.indexOf(one)));
      await writeContext(context, one);
      if (one.fails !== undefined) return void (await assert.rejects(build(ours(), one, context), new RegExp(one.fails)));
      const [mine, theirs] = await Promise.all([ours(), ...(one.docker ? [peer.spec.socketPath] : [])].map(async (socket) => {
        const id = await build(socket, one, context);
        return { config: await configOf(socket, id), tree: await treeOf(socket, id, one.tree) };
      }));
      assert.deepEqual(mine?.tree, one.expectedTree);
      if (theirs) assert.deepEqual(mine, theirs);
    });
  }
});

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Modes, owners, sizes or link targets, and names of an archive's members, and the contents of small files; not their times. */
async function describeTree(file: string): Promise<string[]> {
  const { stdout } = await run('tar', ['--numeric-owner', '-tvf', file]);
  const lines = stdout.trim().split('\n').map(async (line) => {
    const [, mode = '', owner = '', size = '', name = ''] = /^(\S+) +(\S+) +(\d+) \S+ \S+ (.*)$/.exec(line) ?? [];
    const content = mode.startsWith('-') && Number(size) < 100 ? ` ${JSON.stringify((await run('tar', ['-xOf', file, name.replace(/ (->|link to) .*$/, '')])).stdout)}` : '';
    return `${mode} ${owner} ${size} ${name}${content}`;
  });
  return (await Promise.all(lines)).sort((a, b) => (nameIn(a) < nameIn(b) ? -1 : 1));
}

function nameIn(line: string): string {
  return line.split(' ').slice(3).join(' ');
}
