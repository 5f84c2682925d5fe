import { run } from '../../../host/process.ts';
import type { CliContext } from '../../context.ts';

/**
 * The time that everything in a reproducible image has, in seconds since 1970: what SOURCE_DATE_EPOCH says, else the newest commit that
 * changed the folder, else 0. `folder`: absolute, `undefined` when it is on another machine.
 */
export async function reproducibleEpoch(context: CliContext, folder: string | undefined): Promise<string> {
  const given = context.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && given !== '') {
    if (!/^\d{1,11}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is "${given}": it must be a number of seconds since 1970`);
    return given;
  }
  if (folder === undefined) return '0';
  const log = await run('git', ['-C', folder, 'log', '-1', '--format=%ct', '--', '.'], { okStatus: 'any' }).catch(() => undefined); // there may be no git
  return /^\d+$/.exec(log?.stdout.trim() ?? '')?.[0] ?? '0';
}
