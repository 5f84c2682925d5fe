import assert from 'node:assert/strict';
import { BerthError } from '../../../../engine/base/errors.ts';
import { questionOf } from '../../../../engine/remote/ssh/askpass.ts';
import { systemSshError } from '../../../../engine/remote/ssh/systemSshErrors.ts';

describe('what the system\'s ssh says', () => {
  const questions: ReadonlyArray<readonly [string, object]> = [
    ["root@h's password: ", { kind: 'password', user: 'root', host: 'h' }],
    ["Enter passphrase for key '/home/me/.ssh/id_rsa': ", { kind: 'passphrase', keyFile: '/home/me/.ssh/id_rsa' }],
    [
      "The authenticity of host '[h]:2222 ([10.0.0.1]:2222)' can't be established.\nED25519 key fingerprint is SHA256:abc+/9.\nThis key is not known by any other names.\nAre you sure you want to continue connecting (yes/no/[fingerprint])? ",
      { kind: 'host-key', host: '[h]:2222', keyType: 'ED25519', fingerprint: 'SHA256:abc+/9' },
    ],
    ['Verification code: ', { kind: 'keyboard-interactive', name: '', instructions: '', prompts: [{ prompt: 'Verification code: ', echo: false }] }],
  ];
  for (const [prompt, question] of questions) it(`asks: ${prompt.split('\n')[0]}`, () => assert.deepEqual(questionOf(prompt, 'me'), question));

  const errors: ReadonlyArray<readonly [string, string, Readonly<Record<string, unknown>>]> = [
    ['ssh: Could not resolve hostname nope.invalid: Name or service not known', 'SSH_NAME_UNKNOWN', { name: 'nope.invalid' }],
    ['ssh: connect to host 127.0.0.1 port 9: Connection refused', 'SSH_REFUSED', { address: '127.0.0.1:9' }],
    ['ssh: connect to host 10.9.9.9 port 22: Connection timed out', 'SSH_UNREACHABLE', { detail: 'Connection timed out' }],
    ['@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:xyz.\nOffending RSA key in /home/me/.ssh/known_hosts:12\nHost key verification failed.', 'HOST_KEY_CHANGED', { file: '/home/me/.ssh/known_hosts', line: 12, fingerprint: 'SHA256:xyz' }],
    ['No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.', 'HOST_KEY_UNKNOWN', { keyType: 'ED25519' }],
    ['root@h: Permission denied (publickey,password).', 'SSH_AUTH_FAILED', { allowed: 'publickey, password' }],
    ['Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures', 'SSH_AUTH_FAILED', {}],
    ['Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. Their offer: x', 'SSH_HANDSHAKE_FAILED', {}],
    ['kex_exchange_identification: read: Connection reset by peer', 'SSH_CLOSED_AT_ONCE', {}],
    ['something new', 'SYSTEM_SSH_FAILED', { detail: 'something new' }],
  ];
  for (const [said, code, params] of errors) {
    it(`fails: ${code}`, () => {
      const error = systemSshError('root@h', said, 255);
      assert.ok(error instanceof BerthError);
      assert.equal(error.code, code);
      for (const [name, value] of Object.entries(params)) assert.equal(error.params[name], value, name);
    });
  }

  it('is not there at all', () => assert.match(systemSshError('h', 'sh: ssh: not found', 127).message, /ssh is needed/));
});
