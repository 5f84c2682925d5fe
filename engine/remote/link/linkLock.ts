import { somebodyListens } from '../../base/privateSocket.ts';
import { takeProcessLock } from '../../base/processLock.ts';
import type { ProcessLock } from '../../base/processLock.ts';

/** A link that starts has this long until its control socket answers. */
const youngMs = 10_000;

/**
 * One link per host and user. Once a link said that it serves, a control socket that does not answer means that its process is gone.
 * `undefined`: another link is there or on its way.
 */
export function takeLinkLock(path: string, control: string): Promise<ProcessLock | undefined> {
  return takeProcessLock(path, ({ serving }, ageMs) => (!serving && ageMs < youngMs) || somebodyListens(control));
}
