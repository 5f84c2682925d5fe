import assert from 'node:assert/strict';
import type { UpEvent } from '../../../engine/api/berth/devcontainer.ts';
import { ConfigDocument } from '../../../engine/devcontainers/config/configDocument.ts';
import { hookCommands } from '../../../engine/devcontainers/lifecycle/hookCommands.ts';
import { planStages } from '../../../engine/devcontainers/lifecycle/planStages.ts';
import type { StageOptions } from '../../../engine/devcontainers/lifecycle/planStages.ts';
import { parseProbe } from '../../../engine/devcontainers/lifecycle/probe.ts';
import { runHooks } from '../../../engine/devcontainers/lifecycle/runHooks.ts';

describe('the forms of a lifecycle command', () => {
  it('a string runs in a shell, an array as it is, an object’s entries side by side', () => {
    assert.deepEqual(hookCommands('a && b'), [{ name: undefined, args: ['/bin/sh', '-c', 'a && b'] }]);
    assert.deepEqual(hookCommands(['a', 'b c']), [{ name: undefined, args: ['a', 'b c'] }]);
    assert.deepEqual(hookCommands({ x: 'a', y: ['b'] }), [{ name: 'x', args: ['/bin/sh', '-c', 'a'] }, { name: 'y', args: ['b'] }]);
    assert.deepEqual(hookCommands('  '), []);
  });
});

describe('the stages that an up runs', () => {
  const container = { id: 'c1', startedAt: 't1' };
  const none: StageOptions = { skipPostCreate: false, skipPostAttach: false, skipNonBlocking: false };
  const all = ['onCreateCommand', 'updateContentCommand', 'postCreateCommand', 'postStartCommand', 'postAttachCommand'];
  const doneAll = { onCreateCommand: 'c1', updateContentCommand: 'c1', postCreateCommand: 'c1', postStartCommand: 't1' };
  const table: Array<[string, Record<string, string>, Partial<StageOptions>, string[]]> = [
    ['of a new container: all, in order', {}, {}, all],
    ['of a running one: postAttach only', doneAll, {}, ['postAttachCommand']],
    ['of one started again: postStart and postAttach', { ...doneAll, postStartCommand: 't0' }, {}, ['postStartCommand', 'postAttachCommand']],
    ['of a container made anew: all', { ...doneAll, onCreateCommand: 'c0', updateContentCommand: 'c0', postCreateCommand: 'c0' }, {}, ['onCreateCommand', 'updateContentCommand', 'postCreateCommand', 'postAttachCommand']],
    ['after one that failed: that one and what follows', { onCreateCommand: 'c1', updateContentCommand: 'c1' }, {}, ['postCreateCommand', 'postStartCommand', 'postAttachCommand']],
    ['with --skip-post-create: none', {}, { skipPostCreate: true }, []],
    ['with --skip-post-attach: all but that', {}, { skipPostAttach: true }, all.slice(0, 4)],
    ['with --skip-non-blocking-commands: up to waitFor', {}, { skipNonBlocking: true }, all.slice(0, 2)],
  ];
  for (const [name, done, options, expected] of table) {
    it(name, () => assert.deepEqual(planStages({ waitFor: 'updateContentCommand' }, done, container, { ...none, ...options }).map(({ stage }) => stage), expected));
  }
  it('wait for nothing when waitFor is initializeCommand', () => assert.deepEqual(planStages({ waitFor: 'initializeCommand' }, {}, container, { ...none, skipNonBlocking: true }), []));
});

describe('running a stage', () => {
  const document = ConfigDocument.parse('/p/d.json', '{\n  "postCreateCommand": {\n    "a": "x",\n    "b": "y"\n  }\n}');
  it('runs the image’s commands first, one source after the other, and stops at the first that fails', async () => {
    const ran: string[] = [];
    const run = (command: { args: readonly string[] }): Promise<number> => {
      const text = command.args.at(-1) ?? '';
      ran.push(text);
      return Promise.resolve(text === 'y' ? 3 : 0);
    };
    const hooks = [{ value: 'first', origin: 'image' as const }, { value: { a: 'x', b: 'y' }, origin: 0 }, { value: 'never', origin: 0 }];
    await assert.rejects(runHooks(document, 'postCreateCommand', hooks, run, () => undefined), /postCreateCommand "b" ended with status 3 \(\/p\/d\.json:4:10\)/);
    assert.deepEqual(ran, ['first', 'x', 'y']);
  });

  it('tells output as text, never half a character', async () => {
    const events: UpEvent[] = [];
    const letter = Buffer.from('é');
    await runHooks(document, 'onCreateCommand', [{ value: 'x', origin: 0 }], (_command, onOutput) => {
      onOutput(letter.subarray(0, 1), 'stdout');
      onOutput(letter.subarray(1), 'stdout');
      return Promise.resolve(0);
    }, (event) => events.push(event));
    assert.deepEqual(events, [{ type: 'log', step: 'onCreateCommand', stream: 'stdout', text: 'é' }]);
  });
});

describe('what the probe printed', () => {
  it('is the shell, and the environment between the marks, without what describes the probing shell', () => {
    const text = 'MM/bin/zshMMwelcome to my shell\nMMPATH=/a:/b\0EMPTY=\0LINES=a\nb\0_=/bin/cat\0SHLVL=1\0PWD=/\0TERM=dumb\0MMbye';
    assert.deepEqual(parseProbe(text, 'MM'), { shell: '/bin/zsh', env: { PATH: '/a:/b', EMPTY: '', LINES: 'a\nb' } });
  });
  it('without an environment is a shell only', () => assert.deepEqual(parseProbe('MM/bin/shMM', 'MM'), { shell: '/bin/sh', env: undefined }));
  it('cut short is no environment', () => assert.deepEqual(parseProbe('MM/bin/shMMMMPATH=/a', 'MM'), { shell: '/bin/sh', env: undefined }));
});
