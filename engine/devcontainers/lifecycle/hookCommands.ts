import type { Hook } from '../config/schema.ts';

export interface HookCommand {
  /** Its key in the object form. */
  readonly name: string | undefined;
  readonly args: readonly string[];
}

/** What a lifecycle property runs: a string in a shell, an array as it is, an object's entries side by side. Pure. */
export function hookCommands(hook: Hook): HookCommand[] {
  if (typeof hook === 'string' || Array.isArray(hook)) return commandOf(undefined, hook);
  return Object.entries(hook).flatMap(([name, command]) => commandOf(name, command));
}

function commandOf(name: string | undefined, command: string | readonly string[]): HookCommand[] {
  if (typeof command !== 'string') return [{ name, args: command }];
  return command.trim() === '' ? [] : [{ name, args: ['/bin/sh', '-c', command] }];
}
