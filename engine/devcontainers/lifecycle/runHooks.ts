import { StringDecoder } from 'node:string_decoder';
import type { ConfigDocument } from '../config/configDocument.ts';
import type { Sourced } from '../config/metadata.ts';
import type { Hook } from '../config/schema.ts';
import { lifecycleCommandFailed } from '../errors.ts';
import type { Tell } from '../tell.ts';
import { hookCommands } from './hookCommands.ts';
import type { HookCommand } from './hookCommands.ts';

export type RunCommand = (command: HookCommand, onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void) => Promise<number>;

/**
 * Runs the commands of one lifecycle stage: one source after the other (the image's first), the entries of an object side by side, all awaited.
 * Throws DEVCONTAINER_COMMAND_FAILED for the first that failed; later sources then do not run.
 */
export async function runHooks(document: ConfigDocument, stage: string, hooks: ReadonlyArray<Sourced<Hook>>, run: RunCommand, tell: Tell): Promise<void> {
  for (const { value, origin } of hooks) {
    const commands = hookCommands(value);
    const outcomes = await Promise.allSettled(commands.map((command) => runOne(stage, command, run, tell)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') throw outcome.reason;
      if (outcome.value === 0) continue;
      const name = commands[index]?.name;
      throw lifecycleCommandFailed({ command: name === undefined ? stage : `${stage} "${name}"`, status: outcome.value, where: whereOf(document, stage, name, origin) });
    }
  }
}

async function runOne(stage: string, command: HookCommand, run: RunCommand, tell: Tell): Promise<number> {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  return run(command, (data, stream) => {
    const text = decoders[stream].write(data);
    if (text !== '') tell({ type: 'log', step: stage, ...(command.name === undefined ? {} : { command: command.name }), stream, text });
  });
}

function whereOf(document: ConfigDocument, stage: string, name: string | undefined, origin: Sourced<Hook>['origin']): string {
  if (origin === 'image') return "from the image's metadata";
  const { file, line, column } = document.place(name === undefined ? [stage] : [stage, name]);
  return `${file}:${line}:${column}`;
}
