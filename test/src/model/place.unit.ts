import assert from 'node:assert/strict';
import { placeOf, sshAlias, sshAuthority } from '../../../src/model/place.ts';
import { isHostUrl } from '../../../src/model/remoteHosts.ts';
import { isRepositoryUrl, repositoryName } from '../../../src/model/repository.ts';
import { installedSshExtension, offeredSshExtension } from '../../../src/model/sshEditors.ts';

describe('windows inside dev containers', () => {
  it('have an alias in lower case, with the host when it is a remote one', () => {
    assert.equal(sshAlias('Hello-1a2b3c'), 'hello-1a2b3c.berth');
    assert.equal(sshAlias('hello-1a2b3c', 'Build-Box'), 'hello-1a2b3c.build-box.berth');
  });

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
