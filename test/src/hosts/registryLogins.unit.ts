import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { registryLogins as ofCommandLine } from '../../../engine/cli/registry/credentials.ts';
import { registryLogins } from '../../../src/hosts/registryLogins.ts';

const STORE = `#!/bin/sh
read server
case "$1 $server" in
  'list '*) echo '{"https://index.docker.io/v1/":"hubber","listed.example":"lister"}' ;;
  'get https://index.docker.io/v1/') echo '{"ServerURL":"x","Username":"hubber","Secret":"hub secret"}' ;;
  'get listed.example') echo '{"Username":"<token>","Secret":"identity"}' ;;
  'get broken.example') echo 'the password is tell-nobody'; exit 3 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`;
const PER_HOST = `#!/bin/sh
read server
[ "$1" = list ] && exit 9
echo "{\\"Username\\":\\"at $server\\",\\"Secret\\":\\"s\\"}"
`;

describe('logins that the extension and the command line send along', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-logins-'));
    env = { DOCKER_CONFIG: folder, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
    await mkdir(join(folder, 'bin'));
    for (const [name, script] of [['store', STORE], ['host', PER_HOST]] as const) await writeFile(join(folder, 'bin', `docker-credential-${name}`), script, { mode: 0o755 });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** What both send, which must be the same, and what they complain of. */
  const sent = async (config: object | string): Promise<{ logins: unknown; problems: string[] }> => {
    await writeFile(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
    const problems: string[] = [];
    const headers = await registryLogins(env, (error) => void problems.push(String(error)));
    const stderr = new PassThrough();
    assert.deepEqual(await ofCommandLine({ env, stderr }), headers);
    stderr.end();
    const warnings = await text(stderr);
    assert.equal(warnings.split('\n').length - 1, problems.length, warnings);
    assert.equal(/tell-nobody|c2VjcmV0/.test(warnings + problems.join()), false, 'no secret is shown');
    const header = headers['X-Registry-Config'];
    return { logins: header === undefined ? undefined : JSON.parse(Buffer.from(header, 'base64url').toString()), problems };
  };

  it('are those of the file, of the program that keeps all, which knows more than the file names, and of programs of single registries', async () => {
    const { logins, problems } = await sent({ auths: { 'https://index.docker.io/v1/': {}, 'file.example:5000': { auth: 'Zjpn' }, 'forgotten.example': {} }, credsStore: 'store', credHelpers: { 'one.example': 'host' } });
    assert.deepEqual(problems, []);
    assert.deepEqual(logins, {
      'https://index.docker.io/v1/': { username: 'hubber', password: 'hub secret' },
      'listed.example': { identitytoken: 'identity' },
      'file.example:5000': { auth: 'Zjpn' },
      'one.example': { username: 'at one.example', password: 's' },
    });
  });

  it('are sent without those that cannot be read, which is told once and without them', async () => {
    const missing = await sent({ auths: { 'a.example': {}, 'b.example': {}, 'c.example': { auth: 'Zjpn' } }, credsStore: 'missing' });
    assert.equal(missing.logins, undefined);
    assert.match(missing.problems.join('\n'), /^Error: docker-credential-missing cannot be started: ENOENT$/);
    const broken = await sent({ auths: { 'broken.example': {}, 'x.example': { auth: 'Zjpn' } }, credHelpers: { 'broken.example': 'store' } });
    assert.deepEqual(broken.logins, { 'x.example': { auth: 'Zjpn' } });
    assert.match(broken.problems.join('\n'), /docker-credential-store get: it ended with status 3/);
    const odd = await sent({ credHelpers: { 'odd.example': '../../bin/sh' } });
    assert.match(odd.problems.join('\n'), /"\.\.\/\.\.\/bin\/sh" is no name/);
  });

  it('are none where there is no file, or one that is no configuration', async () => {
    assert.deepEqual(await registryLogins({ DOCKER_CONFIG: '/nonexistent' }, (error) => assert.fail(String(error))), {});
    const { logins, problems } = await sent('{"auths": {"x": {"auth": "c2VjcmV0"');
    assert.equal(logins, undefined);
    assert.match(problems.join('\n'), /config\.json: it is no configuration of Docker/);
  });
});
