import assert from 'node:assert/strict';
import { placeOf, sshAuthority } from '../../../src/model/place.ts';
import { isHostUrl, parseHosts } from '../../../src/model/remoteHosts.ts';
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
    const listed = [
      { name: 'box', url: 'ssh://box', transport: 'auto', default: true, link: { state: 'connected', host: 'box' } },
      { name: 'new', url: 'ssh://new', default: false, link: { state: 'asking', step: 'host key' } },
      { name: 'far', url: 'ssh://far', link: { state: 'reconnecting', error: { code: 'X', message: 'no route' } } },
      { name: 'off', url: 'ssh://off', link: null },
      { name: 'odd', url: 'ssh://odd', link: { state: 'something of a later version' } },
    ];
    assert.deepEqual(parseHosts(JSON.stringify(listed)).map((host) => [host.name, host.state, host.detail, host.isDefault]), [
      ['box', 'connected', undefined, true],
      ['new', 'connecting', 'host key', false],
      ['far', 'reconnecting', 'no route', false],
      ['off', 'idle', undefined, false],
      ['odd', 'idle', undefined, false],
    ]);
    assert.throws(() => parseHosts('usage: berth …'));
  });
});
