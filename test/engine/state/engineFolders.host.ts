import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { bundle } from '../../support/engine.ts';

const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];

describe('an engine whose folders cannot be', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-ra-'));
    await chmod(folder, 0o755);
    await writeFile(join(folder, 'file'), '');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const engineWith = async (env: NodeJS.ProcessEnv, enter: readonly string[] = []): Promise<string> => {
    const { BERTH_SOCKET: _socket, DOCKER_HOST: _docker, ...rest } = process.env;
    const [program = '', ...args] = [...enter, process.execPath, bundle, 'engine', 'start'];
    const { status, stderr } = await run(program, args, { env: { ...rest, BERTH_INSTANCE: 'rafold', BERTH_RUN_ROOT: join(folder, 'run'), BERTH_DATA_ROOT: join(folder, 'data'), ...env }, okStatus: 'any', signal: AbortSignal.timeout(30_000) });
    assert.equal(status, 1, stderr);
    return stderr;
  };

  const cases: ReadonlyArray<readonly [string, NodeJS.ProcessEnv, RegExp]> = [
    ['BERTH_RUN_ROOT', { BERTH_RUN_ROOT: '/proc/berth/run' }, /cannot keep its files in \/proc\/berth\/run: no folder can be made there.*set BERTH_RUN_ROOT.*\[ENGINE_FOLDER_UNUSABLE\]/],
    ['BERTH_DATA_ROOT', { BERTH_DATA_ROOT: '/proc/berth' }, /cannot keep its files in \/proc\/berth: no folder can be made there.*set BERTH_DATA_ROOT.*\[ENGINE_FOLDER_UNUSABLE\]/],
  ];
  for (const [variable, env, words] of cases) it(`${variable}=${env[variable]} is refused at once`, async () => assert.match(await engineWith(env), words));

  it('a file in the way is named', async () => {
    assert.match(await engineWith({ BERTH_DATA_ROOT: join(folder, 'file/data') }), /files in .*file\/data: a file is in the way.*\[ENGINE_FOLDER_UNUSABLE\]/);
  });

  it('a folder with other things in it is left as it is, and not closed to those who use it', async () => {
    const used = join(folder, 'used');
    await mkdir(used, { mode: 0o755 });
    await writeFile(join(used, 'of-others'), '');
    assert.match(await engineWith({ BERTH_DATA_ROOT: used }), /files in .*used: other things are in it, and other users may enter it.*\[ENGINE_FOLDER_UNUSABLE\]/);
    assert.deepEqual([(await stat(used)).mode & 0o777, await readdir(used)], [0o755, ['of-others']]);
  });

  it('an ordinary user is told which may not be written to', async () => {
    const enter = ['setpriv', ...NOBODY];
    assert.match(await engineWith({ BERTH_RUN_ROOT: join(folder, 'closed/run'), HOME: folder }, enter), /files in .*closed\/run: permission denied.*set BERTH_RUN_ROOT.*\[ENGINE_FOLDER_UNUSABLE\]/);
    assert.match(await engineWith({ BERTH_RUN_ROOT: folder, HOME: folder }, enter), /files in .*: permission denied.*set BERTH_RUN_ROOT.*\[ENGINE_FOLDER_UNUSABLE\]/);
  });
});
