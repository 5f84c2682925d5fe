import assert from 'node:assert/strict';
import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine, bundle } from '../../support/engine.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';

const DOCKERFILE = `FROM debian AS one
RUN mkdir -p /made/deep && date +%N > /dev/null && echo one > /made/deep/file && ln -s file /made/deep/link && ln /made/deep/file /made/hard && chown -R games:mail /made/deep
FROM debian AS two
WORKDIR /srv/two
RUN test "$SOURCE_DATE_EPOCH" -gt 0 && echo "$SOURCE_DATE_EPOCH" > epoch
FROM debian
ARG BIG=1
ENV BIG=$BIG
COPY --chown=games app /app
COPY --from=one /made /made
COPY --from=two /srv/two/epoch /epoch
RUN rm /app/gone && touch /app/new
COPY <<EOF /app/inline
inline
EOF
CMD ["/app/run"]
`;

/** Root's engine and an ordinary user's: other data, other folders, other times. */
describe('a reproducible build', () => {
  let user: OrdinaryUser;
  let engines: TestEngine[];

  before(async () => {
    user = await OrdinaryUser.create('rprous', { bundle, subIds: true });
    const root = await TestEngine.start({ instance: 'rproot' });
    const other = await TestEngine.start({ instance: 'rprous', user });
    engines = [root, other];
    await root.docker(['import', await baseTar(), 'debian']);
    await root.docker(['save', '-o', join(root.root, 'base.tar'), 'debian']);
    await other.docker(['load', '-i', join(root.root, 'base.tar')]);
  });
  after(async () => {
    for (const engine of engines) await engine.remove();
    await user.remove();
  });

  /** The same files, with the times of `now` in seconds. */
  const context = async (engine: TestEngine, name: string, now: number): Promise<string> => {
    const folder = join(engine.root, name);
    await mkdir(join(folder, 'app'), { recursive: true });
    for (const [path, text] of [['Dockerfile', DOCKERFILE], ['app/run', '#!/bin/sh\n'], ['app/gone', 'gone'], ['app/data', 'data']] as const) {
      await writeFile(join(folder, path), text);
      await chmod(join(folder, path), path === 'app/run' ? 0o755 : 0o644);
      await utimes(join(folder, path), now, now);
    }
    for (const path of ['app', '.']) await chmod(join(folder, path), 0o755);
    await utimes(join(folder, 'app'), now, now);
    return folder;
  };
  const built = async (engine: TestEngine, folder: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string> => (await engine.berth(['build', '-q', '--reproducible', ...flags, folder], { env: { SOURCE_DATE_EPOCH: '1700000000', ...env } })).stdout.trim();

  it('gives the same image in other folders, by another engine, with root and without, and again without the cache', async () => {
    const [mine, theirs] = engines as [TestEngine, TestEngine];
    const first = await built(mine, await context(mine, 'a', 1_500_000_000));
    const ids = [await built(theirs, await context(theirs, 'elsewhere', 1_900_000_000))];
    await delay(1100); // another second
    ids.push(await built(mine, await context(mine, 'b', 1_800_000_000), ['--no-cache']));
    assert.deepEqual(ids, [first, first]);
    const { stdout } = await mine.docker(['run', '--rm', first, 'stat', '-c', '%Y %n', '/app/data', '/app/new', '/made/deep/file', '/app', '/epoch', '/app/inline']);
    for (const line of stdout.trim().split('\n')) assert.match(line, /^1700000000 /);
    assert.match((await mine.docker(['inspect', '-f', '{{.Created}}', first])).stdout, /^2023-11-14T22:13:20/);
  });

  it('differs with another time or argument', async () => {
    const [mine] = engines as [TestEngine];
    const folder = await context(mine, 'a', 1_500_000_000);
    const [first, time, argument] = [await built(mine, folder), await built(mine, folder, [], { SOURCE_DATE_EPOCH: '1600000000' }), await built(mine, folder, ['--build-arg', 'BIG=2'])];
    assert.equal(new Set([first, time, argument]).size, 3);
  });

  it('takes its time from the newest commit of the folder, and refuses one that is none', async () => {
    const [mine] = engines as [TestEngine];
    const folder = await context(mine, 'repository', 1_500_000_000);
    const date = { GIT_AUTHOR_DATE: '1650000000 +0000', GIT_COMMITTER_DATE: '1650000000 +0000' };
    const git = (...args: string[]): Promise<unknown> => run('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { env: { ...process.env, ...date } });
    await git('init', '-q');
    await git('add', '.');
    await git('commit', '-qm', 'all');
    const id = await built(mine, folder, [], { SOURCE_DATE_EPOCH: '' });
    assert.match((await mine.docker(['inspect', '-f', '{{.Created}}', id])).stdout, /^2022-04-15T05:20:00/);
    await assert.rejects(built(mine, folder, [], { SOURCE_DATE_EPOCH: 'yesterday' }), /SOURCE_DATE_EPOCH is "yesterday"/);
  });
});
