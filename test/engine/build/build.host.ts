import assert from 'node:assert/strict';
import { chmod, link, lstat, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildEvent } from '../../../engine/api/berth/build.ts';
import { BuildWorld } from '../../support/buildWorld.ts';
import { bytesOnDisk, makeSparse, sparseTar } from '../../support/sparseFiles.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

describe('a build', () => {
  let world: BuildWorld;
  before(async () => {
    world = await BuildWorld.create('bld');
  });
  after(() => world.remove());
  afterEach(async () => assert.deepEqual(await world.leftovers(), []));

  const MULTI = `FROM debian AS compile
ARG WHO=world
COPY greeting.txt /src/
RUN sed "s/WHO/$WHO/" /src/greeting.txt > /hello && echo compiled
FROM debian AS unneeded
RUN exit 9
FROM debian
ENV NAME=berth
WORKDIR /app
COPY --from=compile /hello ./hello
RUN cat hello > /proof
EXPOSE 80
LABEL a=b
USER nobody
ENTRYPOINT ["cat"]
CMD ["/app/hello"]
`;

  it('of several stages makes the image that the Dockerfile says, and skips the stage that nobody needs', async () => {
    await world.write('multi', { Dockerfile: MULTI, 'greeting.txt': 'hello WHO\n' });
    const { imageId, output } = await world.build('multi', { tags: ['multi:1'], buildArgs: { WHO: 'you' } });
    const image = await world.resolve('multi:1');
    assert.equal(image.id, imageId);
    assert.match(output, /compiled/);
    assert.deepEqual(await world.readFile(imageId, 'proof'), 'hello you\n');
    const { config } = image.config;
    assert.deepEqual([config?.Env, config?.WorkingDir, config?.User, config?.Entrypoint, config?.Cmd, config?.ExposedPorts, config?.Labels], [[PATH, 'NAME=berth'], '/app', 'nobody', ['cat'], ['/app/hello'], { '80/tcp': {} }, { a: 'b' }]);
    const base = await world.resolve('debian');
    assert.equal(image.layers.length, base.layers.length + 3, 'WORKDIR, COPY and RUN make a layer each');
    assert.deepEqual(image.config.rootfs.diff_ids, image.layers.map((layer) => layer.diffId));
    const history = (image.config.history ?? []).slice(-9).map((entry) => [entry.created_by, entry.empty_layer ?? false]);
    assert.deepEqual(history, [['ENV NAME=berth', true], ['WORKDIR /app', false], ['COPY /hello ./hello', false], ['RUN /bin/sh -c cat hello > /proof', false], ['EXPOSE 80/tcp', true], ['LABEL a=b', true], ['USER nobody', true], ['ENTRYPOINT ["cat"]', true], ['CMD ["/app/hello"]', true]]);
  });

  it('that changes nothing takes everything from the cache, and is the same image', async () => {
    const first = await world.build('multi', { buildArgs: { WHO: 'you' } });
    await utimes(join(world.context('multi'), 'greeting.txt'), 5, 5);
    const second = await world.build('multi', { tags: ['multi:2'], buildArgs: { WHO: 'you' } });
    assert.deepEqual([second.imageId, second.cached], [first.imageId, true]);
    assert.equal((await world.resolve('multi:2')).id, first.imageId);
    assert.ok(second.milliseconds < 300, `${second.milliseconds} ms`);
  });

  it('does again only what a changed file reaches', async () => {
    await world.write('multi', { 'greeting.txt': 'bye WHO\n' });
    const changed = await world.build('multi', { buildArgs: { WHO: 'you' } });
    assert.deepEqual(changed.ran(), ['COPY greeting.txt /src/', 'RUN sed "s/WHO/$WHO/" /src/greeting.txt > /hello && echo compiled', 'COPY --from=compile /hello ./hello', 'RUN cat hello > /proof']);
    assert.equal(await world.readFile(changed.imageId, 'proof'), 'bye you\n');
  });

  it('copies what changed; the other files are those of the layer before, and the image is what it would be anew', async () => {
    await world.write('many', { Dockerfile: 'FROM scratch\nCOPY src /src\n', ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`src/${index}`, `file ${index}`])) });
    const args = { buildArgs: { SOURCE_DATE_EPOCH: '1600000000' } };
    for (const request of [{}, args]) {
      const inode = async (ref: string, path: string): Promise<number> => (await lstat(join(await world.layerFolder(ref), path))).ino;
      const { imageId: before } = await world.build('many', request);
      await world.write('many', { 'src/7': `changed ${Object.keys(request).length}` });
      const { imageId: after } = await world.build('many', request);
      assert.equal(await inode(after, 'src/6'), await inode(before, 'src/6'));
      assert.notEqual(await inode(after, 'src/7'), await inode(before, 'src/7'));
      assert.match(await world.readFile(before, 'src/7'), /file 7|changed 0/);
      assert.match(await world.readFile(after, 'src/7'), /changed/);
      if (request === args) {
        await world.service.prune();
        assert.equal((await world.build('many', { ...request, noCache: true })).imageId, after);
      }
    }
  });

  it('keeps what is behind COPY --from when the other stage changed but its files did not', async () => {
    const dockerfile = (n: number): string => `FROM debian AS a\nRUN echo same > /out # ${n}\nFROM debian\nCOPY --from=a /out /out\nRUN echo behind\n`;
    await world.write('same', { Dockerfile: dockerfile(1) });
    const first = await world.build('same');
    await world.write('same', { Dockerfile: dockerfile(2) });
    const second = await world.build('same');
    assert.ok(!second.ran().includes('RUN echo behind'), String(second.ran()));
    assert.equal(second.imageId, first.imageId);
  });

  it('runs stages that do not need each other at the same time', async () => {
    await world.write('parallel', { Dockerfile: 'FROM debian AS a\nRUN date +%s%3N > /a; sleep 1.5\nFROM debian AS b\nRUN date +%s%3N > /b; sleep 1.5\nFROM debian\nCOPY --from=a /a /\nCOPY --from=b /b /\n' });
    const { imageId } = await world.build('parallel');
    const [a, b] = [Number(await world.readFile(imageId, 'a')), Number(await world.readFile(imageId, 'b'))];
    assert.ok(Math.abs(a - b) < 1400, `they began ${Math.abs(a - b)} ms apart`);
  });

  it('gives RUN the user, environment, folder, shell and network that the Dockerfile says', async () => {
    await world.write('run', {
      Dockerfile: 'FROM debian\nRUN useradd -m -u 1234 dev\nENV A="x y"\nARG B=b\nWORKDIR /w\nUSER dev\nRUN echo "$(id -un) $(pwd) $A $B"\nRUN ["/bin/echo", "exec $A"]\nSHELL ["/bin/bash", "-c"]\nRUN echo ${BASH_VERSION:+bash}\nRUN --network=none echo links $(ls /sys/class/net)\nRUN <<EOF\necho document\necho two\nEOF\n',
    });
    const { output } = await world.build('run');
    assert.match(output, /^dev \/w x y b$/m);
    assert.match(output, /^exec \$A$/m);
    assert.match(output, /^bash$/m);
    assert.match(output, /^links lo$/m);
    assert.match(output, /^document\ntwo$/m);
  });

  it('makes no layer for a WORKDIR that is there, and gives a new one to the user', async () => {
    await world.write('workdir', { Dockerfile: 'FROM debian\nWORKDIR /usr/lib\nUSER nobody\nWORKDIR /made/deep\nRUN touch mine && stat -c %U . > /tmp/owner\n' });
    const { imageId } = await world.build('workdir');
    const base = await world.resolve('debian');
    assert.equal((await world.resolve(imageId)).layers.length, base.layers.length + 2);
    assert.equal(await world.readFile(imageId, 'tmp/owner'), 'nobody\n');
  });

  it('copies with modes, times, links and owners, through the links of the image and never out of it', async () => {
    const folder = await world.write('copy', { 'tree/run.sh': 'x', 'tree/sub/file': 'y', 'one.txt': '1', 'two.txt': '2', Dockerfile: '' });
    await chmod(join(folder, 'tree/run.sh'), 0o754);
    await utimes(join(folder, 'tree/run.sh'), 1000, 1000);
    await symlink('/etc/passwd', join(folder, 'tree/link'));
    await link(join(folder, 'tree/run.sh'), join(folder, 'tree/same.sh'));
    await world.write('copy', {
      Dockerfile: `FROM debian
RUN useradd -u 1500 dev && ln -s /inside /outward && mkdir /inside
COPY tree /t
COPY --chown=dev tree /owned/
COPY --chown=7:8 --chmod=600 one.txt /outward/
RUN ln -s /inside/target /leads
COPY two.txt /leads
COPY *.txt /bin/
COPY one.txt /inside/one.txt
COPY --from=debian /etc/debian_version /v
COPY <<EOF /etc/inline
home is $PATH \\$x
EOF
RUN stat -c '%n %a %U:%G %F' /t /t/run.sh /t/link /t/sub /owned /owned/sub/file; stat -c 'time %Y' /t/run.sh; stat -c 'links %h' /t/run.sh
RUN stat -c '%n %a %u:%g' /inside/one.txt /inside/target /usr/bin/one.txt; readlink /bin /t/link; cat /etc/inline /v
`,
    });
    const { output, imageId } = await world.build('copy');
    const expected = ['/t/run.sh 754 root:root regular file', '/t/link 777 root:root symbolic link', '/t/sub 755 root:root directory', '/owned 755 dev:dev directory', '/owned/sub/file 644 dev:dev regular file', 'time 1000', 'links 2', '/inside/one.txt 644 0:0', '/inside/target 644 0:0', '/usr/bin/one.txt 644 0:0', 'usr/bin', '/etc/passwd', 'home is /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $x'];
    for (const line of expected) assert.ok(output.split('\n').includes(line), `${line}\n--- in\n${output}`);
    assert.equal(await world.readFile(imageId, 'usr/bin/two.txt'), '2');
  });

  it('unpacks archives that are added, onto scratch too', async () => {
    const folder = await world.write('add', { 'in/etc/conf': 'c', 'plain.txt': 'p', Dockerfile: 'FROM scratch\nADD files.tar.gz plain.txt /opt/\n' });
    await world.host('tar', ['-czf', join(folder, 'files.tar.gz'), '-C', join(folder, 'in'), 'etc']);
    const { imageId } = await world.build('add');
    assert.deepEqual([await world.readFile(imageId, 'opt/etc/conf'), await world.readFile(imageId, 'opt/plain.txt')], ['c', 'p']);
    assert.equal((await world.resolve(imageId)).layers.length, 1);
  });

  it('keeps the holes of sparse files: of an archive that is added, of a folder, of a context that comes as one', async () => {
    const folder = await world.write('sparse', { 'ctx/Dockerfile': 'FROM scratch\nADD files.tar /opt/\nCOPY disk.img /srv/\n' });
    const texts: Array<[number, string]> = [[0, 'head'], [20_000_000, 'tail']];
    await makeSparse(join(folder, 'ctx/disk.img'), 30_000_000, texts);
    await sparseTar('PAX 0.1', join(folder, 'ctx/files.tar'), '-C', join(folder, 'ctx'), 'disk.img');
    await sparseTar('old GNU', join(folder, 'context.tar'), '-C', join(folder, 'ctx'), '.');
    const ids = new Set<string>();
    for (const build of [() => world.buildArchive(join(folder, 'context.tar')), () => world.build('sparse/ctx')]) {
      const { imageId } = await build();
      ids.add(imageId);
      for (const path of ['opt/disk.img', 'srv/disk.img']) {
        const file = join(await world.folderWith(imageId, path), path);
        const content = await readFile(file);
        assert.deepEqual([content.length, content.toString('latin1', 0, 4), content.toString('latin1', 20_000_000, 20_000_004)], [30_000_000, 'head', 'tail']);
        assert.ok((await bytesOnDisk(file)) < 1_000_000, `${path} has ${await bytesOnDisk(file)} bytes on disk`);
      }
    }
    assert.equal(ids.size, 1, 'the same image');
  });

  it('reads a context that comes as an archive, and nothing leaves its folder', async () => {
    const folder = await world.write('tar', { 'ctx/Dockerfile': 'FROM debian\nCOPY . /c\nRUN ls -A /c\n', 'ctx/.dockerignore': '*.log\n', 'ctx/a.txt': 'a', 'ctx/b.log': 'b' });
    await symlink('/etc', join(folder, 'ctx/out'));
    await world.host('tar', ['-czf', join(folder, 'c.tgz'), '-C', join(folder, 'ctx'), '.']);
    const { output } = await world.buildArchive(join(folder, 'c.tgz'));
    assert.match(output, /^\.dockerignore\nDockerfile\na\.txt\nout$/m);
    await world.write('tar', { 'ctx/Dockerfile': 'FROM debian\nCOPY out/hostname /c\n' });
    await world.host('tar', ['-cf', join(folder, 'c.tar'), '-C', join(folder, 'ctx'), '.']);
    await assert.rejects(world.buildArchive(join(folder, 'c.tar')), { code: 'COPY_SOURCE_NOT_FOUND' });
    await world.write('tar', { junk: 'this is no archive' });
    await assert.rejects(world.buildArchive(join(folder, 'junk')), { code: 'BUILD_CONTEXT_INVALID' });
  });

  it("runs a base's triggers", async () => {
    await world.write('onbuild', { Dockerfile: 'FROM debian\nONBUILD COPY app.txt /app.txt\nONBUILD RUN cat /app.txt\n' });
    await world.build('onbuild', { tags: ['onbuild:1'] });
    await world.write('user', { Dockerfile: 'FROM onbuild:1\n', 'app.txt': 'triggered\n' });
    assert.match((await world.build('user')).output, /^triggered$/m);
  });

  it('does a step once for two builds that want it at the same time', async () => {
    await world.write('twice', { Dockerfile: 'FROM debian\nRUN sleep 0.5; head -c 8 /dev/urandom | od -An -tx1 > /id; echo ran\n' });
    const [one, two] = await Promise.all([world.build('twice'), world.build('twice')]);
    assert.equal(await world.readFile(one.imageId, 'id'), await world.readFile(two.imageId, 'id'));
    assert.match(two.output, /^ran$/m);
  });

  it('goes on for the one when the other of two builds that share a step is cancelled, and stops with the last', async () => {
    await world.write('shared', { Dockerfile: 'FROM debian\nRUN echo begun; sleep 1; head -c 8 /dev/urandom | od -An -tx1 > /id\n' });
    const begun = (controller: AbortController, others: () => boolean) => (event: BuildEvent): void => {
      if (event.type === 'log' && event.text.includes('begun') && others()) controller.abort();
    };
    const leaving = new AbortController();
    let both = 0;
    const one = world.build('shared', {}, leaving.signal, begun(leaving, () => ++both === 2));
    const two = world.build('shared', {}, undefined, begun(leaving, () => ++both === 2));
    await assert.rejects(one, { code: 'CANCELLED' });
    const { imageId, output } = await two;
    assert.match(output, /^begun$/m);
    assert.deepEqual((await world.build('shared')).ran(), []);
    assert.equal((await world.build('shared')).imageId, imageId);
    const last = new AbortController();
    const again = [1, 2].map(() => world.build('shared', { noCache: true }, last.signal, begun(last, () => true)));
    for (const { status } of await Promise.allSettled(again)) assert.equal(status, 'rejected');
    assert.deepEqual(await world.leftovers(), []);
  });

  it('does everything again when told to use no cache', async () => {
    const first = await world.build('twice');
    const before = await world.readFile(first.imageId, 'id');
    const again = await world.build('twice', { noCache: true });
    assert.notEqual(before, await world.readFile(again.imageId, 'id'));
    assert.equal((await world.build('twice')).imageId, again.imageId);
  });

  it('keeps its layers while the cache needs them, and prune lets go of them', async () => {
    const { imageId } = await world.build('twice');
    const layer = (await world.resolve(imageId)).layers.at(-1)?.snapshotId ?? '';
    assert.ok(world.service.snapshotsInUse().has(layer));
    const { deleted } = await world.service.prune();
    assert.ok(deleted.length > 0);
    assert.equal(world.service.snapshotsInUse().size, 0);
    assert.ok((await world.build('twice')).ran().length > 0);
  });

  it('takes its time from SOURCE_DATE_EPOCH', async () => {
    const { imageId } = await world.build('twice', { buildArgs: { SOURCE_DATE_EPOCH: '86400' } });
    const { config } = await world.resolve(imageId);
    assert.equal(config.created, '1970-01-02T00:00:00.000Z');
    assert.equal(config.history?.at(-1)?.created, '1970-01-02T00:00:00.000Z');
  });

  it('survives a damaged cache', async () => {
    await writeFile(join(world.dataRoot, 'build-cache/steps', `${'0'.repeat(64)}.json`), '{');
    await mkdir(join(world.dataRoot, 'build-cache/stat'), { recursive: true });
    await rm(join(world.dataRoot, 'build-cache/images'), { recursive: true });
    await world.service.reconcile();
    assert.deepEqual((await world.build('twice')).ran(), []);
  });
});
