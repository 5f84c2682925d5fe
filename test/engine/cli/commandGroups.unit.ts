import assert from 'node:assert/strict';
import { Command } from 'commander';
import type { CliContext } from '../../../engine/cli/context.ts';
import { createProgram } from '../../../engine/cli/program.ts';
import { commandGroups, loadGroups, neededGroups } from '../../../engine/mainCommands.ts';
import type { CommandParts } from '../../../engine/mainCommands.ts';

/** Registering asks nothing of what commands are given. */
const groups = commandGroups({ own: {}, launcher: { env: {} }, remote: {}, doctor: {}, engine: {} } as unknown as CommandParts);
const context = { env: {} } as CliContext;

describe('the commands of a command line', () => {
  it('are registered under the names that the table says', async () => {
    const program = new Command('berth').enablePositionalOptions();
    const seen = new Set<string>();
    for (const group of groups) {
      (await group.load())(program, context);
      const made = program.commands.flatMap((command) => [command.name(), ...command.aliases()]).filter((name) => !seen.has(name));
      for (const name of made) seen.add(name);
      const others = groups.filter((other) => other !== group).flatMap(({ names }) => names);
      assert.deepEqual([...made].sort(), group.names.filter((name) => made.includes(name) || !others.includes(name)).sort());
    }
  });

  it('are the same whether all are loaded or those that are needed', async () => {
    const all = createProgram('1', context, await loadGroups(groups));
    for (const { names } of groups) {
      for (const name of names) {
        const few = createProgram('1', context, await loadGroups(neededGroups(groups, [name, '--help'])));
        assert.equal(helpOf(few, name), helpOf(all, name), name);
      }
    }
  });

  it('are all there for help, and for what is no command', () => {
    for (const argv of [[], ['--help'], ['help', 'run'], ['no-such-command'], ['--host', 'h'], ['--unknown', 'run']]) assert.equal(neededGroups(groups, argv), groups, argv.join(' '));
    assert.deepEqual(neededGroups(groups, ['--version']), []);
    for (const argv of [['run', 'x'], ['--host', 'h', 'run'], ['--host=h', 'run']]) assert.deepEqual(neededGroups(groups, argv).map(({ names }) => names[0]), ['container'], argv.join(' '));
  });
});

/** The help of a command and of those below it. */
function helpOf(program: Command, name: string): string {
  const command = program.commands.find((one) => one.name() === name || one.aliases().includes(name));
  assert.ok(command, name);
  return [command, ...command.commands].map((one) => one.helpInformation()).join('\n');
}
