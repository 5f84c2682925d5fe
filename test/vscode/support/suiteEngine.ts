import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';

/** What the suites inside the extension host expect: an engine with one running container called `suite-web`. */
export async function startSuiteEngine(instance: string): Promise<TestEngine> {
  const engine = await TestEngine.start({ instance });
  await engine.docker(['import', await baseTar(), 'debian:bookworm']);
  await engine.docker(['run', '-d', '--name', 'suite-web', 'debian:bookworm', 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done']);
  return engine;
}
