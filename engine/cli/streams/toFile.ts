import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CliContext } from '../context.ts';
import { copyOutput } from './copyOutput.ts';

/** Refuses to fill a terminal with a tar. */
export function checkArchiveTarget(context: CliContext, command: string, output: string | undefined): void {
  if (output === undefined && context.stdout.isTTY) throw new Error(`berth ${command}: a tar does not belong on a terminal. Use -o FILE, or redirect`);
}

/** Writes an answer to a file that is there whole or not at all, or to stdout. */
export async function writeArchive(context: CliContext, response: Readable, output: string | undefined): Promise<void> {
  if (output === undefined) {
    await copyOutput(response, context, true);
    return;
  }
  const path = resolve(context.cwd, output);
  const temp = `${path}.part-${process.pid}`;
  try {
    await pipeline(response, createWriteStream(temp, { flags: 'wx' }));
    await rename(temp, path);
  } finally {
    await rm(temp, { force: true });
  }
}
