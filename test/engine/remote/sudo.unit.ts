import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { questionAbout } from '../../../engine/cli/commands/host/rm.ts';
import type { RemoteProcess } from '../../../engine/remote/connection.ts';
import { sudoCommand } from '../../../engine/remote/sudo/asRoot.ts';
import { giveSudoPassword, PROMPT, ROOT } from '../../../engine/remote/sudo/sudoPassword.ts';

function sudo(): { process: RemoteProcess; stdin: PassThrough; stderr: PassThrough; killed: () => boolean } {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let killed = false;
  return { stdin, stderr, killed: () => killed, process: { stdin, stdout, stderr, exit: new Promise(() => undefined), kill: () => void (killed = true) } };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('root by sudo', () => {
  it('stays plain words for the login shell where the command is plain', () => {
    assert.equal(sudoCommand(['-n'], 'exec /opt/berth engine start --json'), 'exec sudo -n -H -- /opt/berth engine start --json');
    assert.equal(sudoCommand(['-n'], "exec /bin/sh -c 'a; b' berth x"), "exec sudo -n -H -- /bin/sh -c 'a; b' berth x");
    assert.equal(sudoCommand(['-n'], 'echo a; echo "$HOME"'), `exec sudo -n -H -- /bin/sh -c 'echo a; echo "$HOME"'`);
    assert.equal(sudoCommand(['-S'], 'exec true', ROOT), `exec sudo -S -H -- /bin/sh -c '${ROOT}' sh true`);
  });

  it('gives the password when it is asked for, and leaves the command its own words', async () => {
    const { process, stdin, stderr } = sudo();
    const given = giveSudoPassword(process, 'open sesame');
    stderr.write('We trust you.\n');
    await turn();
    assert.equal(stdin.read(), null);
    stderr.write(PROMPT.slice(0, 5));
    stderr.write(PROMPT.slice(5));
    await turn();
    assert.equal(String(stdin.read()), 'open sesame\n');
    stderr.write('\nberth-sudo-root\nwords of');
    assert.equal(await given, undefined);
    stderr.end(' the command');
    assert.equal((await stderr.toArray()).join(''), 'words of the command');
  });

  it('writes no password to a command for which sudo wants none', async () => {
    const { process, stdin, stderr } = sudo();
    stderr.write('berth-sudo-root\n');
    assert.equal(await giveSudoPassword(process, 'open sesame'), undefined);
    assert.equal(stdin.read(), null);
  });

  it('gives it once, and says what sudo says', async () => {
    const wrong = sudo();
    wrong.stderr.write(`${PROMPT}Sorry, try again.\n`);
    const refused = giveSudoPassword(wrong.process, 'x');
    wrong.stderr.write(PROMPT);
    assert.equal(await refused, 'the password is wrong');
    assert.deepEqual([String(wrong.stdin.read()), wrong.killed()], ['x\n', true]);
    const other = sudo();
    other.stderr.end(`${PROMPT}dev is not in the sudoers file.\n`);
    assert.equal(await giveSudoPassword(other.process, 'x'), 'dev is not in the sudoers file.');
  });
});

describe('the question before a host is purged', () => {
  const far = { name: 'far', url: 'me@far' };

  it('says what is lost, in numbers where they are known', () => {
    assert.equal(questionAbout(far, { containers: 1, images: 2, volumes: 0 }, []), 'Remove the engine from far (me@far), with 1 container, 2 images and 0 volumes? What is in them is lost.');
    assert.equal(questionAbout(far, undefined, []), 'Remove the engine from far (me@far), with all its containers, images and volumes? What is in them is lost.');
    assert.equal(questionAbout(far, undefined, ['/home/me/berth/1/app']), 'Remove the engine from far (me@far), with all its containers, images, volumes and the synced folder /home/me/berth/1/app? What is in them is lost.');
  });
});
