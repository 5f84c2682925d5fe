import assert from 'node:assert/strict';
import type { BuildRequest } from '../../../engine/build/request.ts';
import { BuildWorld } from '../../support/buildWorld.ts';
import type { TestBuild } from '../../support/buildWorld.ts';
import { TestRegistry } from '../../support/registry.ts';

const DOCKERFILE = `FROM debian AS tools
COPY tool.txt /tool/in
RUN echo tools-ran && cp /tool/in /tool/out
FROM debian
WORKDIR /srv/app
ENV A=1
COPY app.txt .
RUN echo app-ran && cat app.txt > made
COPY --from=tools /tool/out /tool
RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last
`;

/** What a build of everything does, in the order of the Dockerfile. */
const ALL = ['COPY tool.txt /tool/in', 'RUN echo tools-ran && cp /tool/in /tool/out', 'WORKDIR /srv/app', 'COPY app.txt .', 'RUN echo app-ran && cat app.txt > made', 'COPY --from=tools /tool/out /tool', 'RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last'];

/** One engine builds and keeps its steps in a registry; others, which have nothing, take them. */
describe('a build cache in a registry', () => {
  let registry: TestRegistry;
  let mine: BuildWorld;
  let theirs: BuildWorld;

  before(async () => {
    registry = await TestRegistry.start();
    [mine, theirs] = await Promise.all([BuildWorld.create('boutca'), BuildWorld.create('boutcb')]);
    for (const world of [mine, theirs]) await world.write('app', { Dockerfile: DOCKERFILE, 'tool.txt': 'tool', 'app.txt': 'app' });
  });
  after(async () => {
    await Promise.all([mine.remove(), theirs.remove()]);
    await registry.stop();
  });

  const name = (tag: string): string => `${registry.host}/cache/app:${tag}`;
  const from = (tag: string): Pick<BuildRequest, 'cacheFrom'> => ({ cacheFrom: [{ type: 'registry', ref: name(tag) }] });
  const to = (tag: string, mode: 'min' | 'max'): Pick<BuildRequest, 'cacheTo'> => ({ cacheTo: [{ type: 'registry', ref: name(tag), mode, ignoreError: false }] });
  const warnings = (build: TestBuild): string[] => build.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  /** As an engine that has the base image and nothing else. */
  const forget = async (world: BuildWorld, ...images: string[]): Promise<void> => {
    for (const image of images) await world.removeImage(image);
    await world.service.prune();
  };

  it('gives an engine without anything every step, and the same image', async () => {
    const first = await mine.build('app', to('max', 'max'));
    assert.deepEqual(first.ran(), ALL);
    const second = await theirs.build('app', from('max'));
    assert.deepEqual([second.ran(), second.output, second.imageId], [[], '', first.imageId]);
    assert.equal(await theirs.readFile(second.imageId, 'srv/app/last'), 'tool');
    await forget(theirs, second.imageId);
  });

  it('is asked again from a changed step on, and only layers that are needed are fetched', async () => {
    await theirs.write('app', { 'app.txt': 'changed' });
    const build = await theirs.build('app', from('max'));
    assert.deepEqual(build.ran(), ['COPY app.txt .', 'RUN echo app-ran && cat app.txt > made', 'COPY --from=tools /tool/out /tool', 'RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last']);
    assert.equal(await theirs.readFile(build.imageId, 'srv/app/made'), 'changed');
    await theirs.write('app', { 'app.txt': 'app' });
    await forget(theirs, build.imageId);
  });

  it('does not fetch the layers of a stage whose files a cached step has', async () => {
    const build = await theirs.build('app', from('max'));
    const fetched = build.events.filter((event) => event.type === 'progress' && event.status.startsWith('Fetching')).length;
    assert.equal(fetched, 5); // WORKDIR, COPY, RUN, COPY --from, RUN; none of the other stage's two
    await forget(theirs, build.imageId);
  });
});
