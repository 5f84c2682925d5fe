import { lstatSync, lutimesSync, readdirSync } from 'node:fs';
import type { Step } from '../plan/graph.ts';
import { breathe } from './breathe.ts';

const SLASH = Buffer.from('/');

/** Whether a step only copies files of the context: their times are those of a checkout and mean nothing. Archives keep those that are in them. */
export function isFromContext({ op, from }: Pick<Step, 'op' | 'from'>): boolean {
  return op.kind === 'copy' && from === undefined && !op.unpack && op.remotes === undefined;
}

/**
 * Sets the times of what a step changed, so that the same step makes the same layer whenever it is done: to `epoch` (seconds since 1970) what is later,
 * or, with `all`, everything. Names need not be UTF-8.
 */
export async function settleTimes(folder: string, epoch: number, { all, signal }: { readonly all: boolean; readonly signal: AbortSignal }): Promise<void> {
  const settle = (path: Buffer): void => {
    if (all || lstatSync(path).mtimeMs > epoch * 1000) lutimesSync(path, epoch, epoch);
  };
  const visit = async (path: Buffer): Promise<void> => {
    await breathe(signal);
    for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
      const below = Buffer.concat([path, SLASH, entry.name]);
      if (entry.isDirectory()) await visit(below);
      else settle(below);
    }
    settle(path); // after what is in it
  };
  await visit(Buffer.from(folder));
}
