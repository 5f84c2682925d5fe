import assert from 'node:assert/strict';
import type { LinkStatus } from '../../../engine/api/berth/link.ts';
import type { DevPort } from '../../../engine/api/berth/port.ts';
import { placeOf, sshAuthority } from '../../../src/model/place.ts';
import { isHostUrl, isThere, lastLine, parseHosts, portHere, withLink } from '../../../src/model/remoteHosts.ts';
import { isRepositoryUrl, repositoryName } from '../../../src/model/repository.ts';
import { installedSshExtension, offeredSshExtension } from '../../../src/model/sshEditors.ts';

describe('windows inside dev containers', () => {
  it('are known again by their authority', () => {
    assert.deepEqual(placeOf(sshAuthority('hello-1.berth')), { alias: 'hello-1.berth', name: 'hello-1', host: undefined });
    assert.deepEqual(placeOf('ssh-remote+hello-1.build.example.berth'), { alias: 'hello-1.build.example.berth', name: 'hello-1', host: 'build.example' });
    for (const other of ['', 'wsl+ubuntu', 'ssh-remote+server', 'ssh-remote+.berth', 'dev-container+7b22', 'localhost:8080']) assert.equal(placeOf(other), undefined, other);
  });

  it('are opened by the SSH extension there is, or the one made for the editor is offered', () => {
    assert.equal(installedSshExtension((id) => id === 'jeanp413.open-remote-ssh'), 'jeanp413.open-remote-ssh');
    assert.equal(installedSshExtension(() => false), undefined);
    assert.equal(offeredSshExtension('vscode'), 'ms-vscode-remote.remote-ssh');
    assert.equal(offeredSshExtension('cursor'), 'anysphere.remote-ssh');
    assert.equal(offeredSshExtension('some-fork'), 'jeanp413.open-remote-ssh');
  });
});

describe('addresses that users write', () => {
  it('of repositories: what git fetches, and no option of git', () => {
    for (const url of ['https://example.com/a/b.git', 'ssh://git@example.com:22/a', 'git@example.com:a/b.git', '/srv/git/a.git', 'file:///srv/a']) assert.ok(isRepositoryUrl(url), url);
    for (const text of ['', '--upload-pack=x', 'ext::sh -c x', 'https://', 'https://-x', 'a b']) assert.ok(!isRepositoryUrl(text), text);
    assert.deepEqual(['https://example.com/a/b.git', 'git@example.com:c.git', '/srv/d/'].map(repositoryName), ['b', 'c', 'd']);
  });

  it('of hosts: as SSH knows them, and no option of ssh', () => {
    for (const text of ['ssh://me@build.example.com:2222', 'me@box', 'box']) assert.ok(isHostUrl(text), text);
    for (const text of ['', '-oProxyCommand=x', 'ssh://me@-x', 'https://box', 'me@box path']) assert.ok(!isHostUrl(text), text);
  });
});

describe('remote hosts as the command line lists them', () => {
  it('have the state of their link, and none when there is no link', () => {
    const listed = [{ name: 'box', url: 'ssh://box', transport: 'auto', default: true, socketPath: '/r/box.sock', controlPath: '/r/box.ctl.sock', link: null }];
    const [box] = parseHosts(JSON.stringify(listed));
    assert.deepEqual(box, { name: 'box', url: 'ssh://box', isDefault: true, socketPath: '/r/box.sock', controlPath: '/r/box.ctl.sock' });
    assert.throws(() => parseHosts('usage: berth …'));
    const link: LinkStatus = { host: 'box', pid: 1, socketPath: '', state: 'idle', engineServes: false, connections: 0, ports: [] };
    const error = { code: 'X', message: 'no route', params: {} };
    const seen = [undefined, link, { ...link, state: 'asking' as const }, { ...link, state: 'connected' as const, engineServes: true, error }, { ...link, state: 'reconnecting' as const, error }].map((status) => withLink(box ?? assert.fail(), status));
    assert.deepEqual(seen.map((host) => [host.state, host.error?.message, isThere(host)]), [
      ['idle', undefined, false],
      ['idle', undefined, false],
      ['connecting', undefined, false],
      ['connected', undefined, true],
      ['reconnecting', 'no route', true],
    ]);
  });

  it('have their ports where the link brings them', () => {
    const forwarded = [{ container: 'c', name: 'n', containerPort: 80, hostPort: 8080, localPort: 9090 }];
    const port = (over: Partial<DevPort>): DevPort => ({ containerId: 'c', container: 'n', folder: '/f', configFile: '', host: '', port: 80, listening: true, loopbackOnly: false, families: [], declared: false, published: false, onAutoForward: 'notify', requireLocalPort: false, elevateIfNeeded: false, ...over });
    const at = (over: Partial<DevPort>): number | undefined => portHere(port(over), forwarded).local?.port;
    assert.equal(at({ local: { host: '127.0.0.1', port: 8080 } }), 9090);
    assert.equal(at({ local: { host: '0.0.0.0', port: 8080 }, published: true }), 9090);
    assert.deepEqual([at({ local: { host: '127.0.0.1', port: 1 } }), at({}), at({ containerId: 'other', local: { host: '127.0.0.1', port: 8080 } })], [undefined, undefined, undefined], 'an address of the host is none of ours');
  });

  it('say what went wrong without what is for terminals', () => {
    assert.equal(lastLine('berth: connecting\nberth: No such host [NO_SUCH_HOST]\n'), 'No such host');
  });
});
