import assert from 'node:assert/strict';
import { probeScript } from '../../../../engine/remote/install/probeScript.ts';
import { receiveScript } from '../../../../engine/remote/install/receiveScript.ts';
import { removeScript } from '../../../../engine/remote/install/removeScript.ts';
import { oneLine, shellCommand } from '../../../../engine/remote/install/shellCommand.ts';

describe('a script as a command for any login shell', () => {
  it('is one line, without comments, with its arguments as words', () => {
    const script = `
      # says it
      for word in "$@"; do
        if [ -n "$word" ]; then
          echo "$word"
        fi
      done
    `;
    assert.equal(oneLine(script), 'for word in "$@"; do if [ -n "$word" ]; then echo "$word"; fi; done');
    assert.equal(shellCommand('echo "$1$2$3"', ["it's", '', '/a b']), `exec /bin/sh -c 'echo "$1$2$3"' berth 'it'\\''s' '' '/a b'`);
  });

  it('has nothing that csh or fish reads differently between quotes', () => {
    for (const script of ["echo 'a'", String.raw`echo "\\"`, 'echo !x']) assert.throws(() => oneLine(script), /not every login shell/);
    assert.doesNotThrow(() => oneLine('[ 1 != 2 ] && ! true'));
    for (const script of [probeScript, receiveScript, removeScript]) assert.ok(!oneLine(script).includes('\n'));
  });
});
