import type { InsideRoot } from '../insideRoot.ts';
import { scpSink } from './sink.ts';
import { scpSource } from './source.ts';
import { ScpEnded, ScpWire } from './wire.ts';

/** The far end of `scp -O`, on standard input and output. `args`: as scp got them, one character a byte. Returns the status. */
export function runScp(inside: InsideRoot, cwd: string, args: readonly string[]): number {
  const flags = args.filter((arg) => arg.startsWith('-')).join('');
  const paths = args.filter((arg) => !arg.startsWith('-')).map((path) => (path.startsWith('/') ? path : `${cwd}/${path}`));
  const wire = new ScpWire(0, 1);
  const options = { recursive: flags.includes('r'), preserve: flags.includes('p'), folder: flags.includes('d') };
  try {
    if (flags.includes('t')) scpSink(inside, wire, paths[0] ?? cwd, options);
    else scpSource(inside, wire, paths, options);
  } catch (error) {
    if (!(error instanceof ScpEnded)) throw error;
    return 1;
  }
  return wire.failed ? 1 : 0;
}
