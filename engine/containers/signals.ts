import { constants } from 'node:os';
import { unknownSignal } from './errors.ts';

const NAMES: Readonly<Record<string, number>> = constants.signals;
const RTMIN = 34;
const RTMAX = 64;

/** The number of a signal given as `SIGTERM`, `term`, `15` or `RTMIN+3`. Throws UNKNOWN_SIGNAL. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= RTMAX) return number;
    throw unknownSignal({ signal: text });
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  const number = realtime ? (realtime[1] === 'MIN' ? RTMIN : RTMAX) + Number(realtime[2] ?? 0) : NAMES[`SIG${name}`];
  if (number === undefined || number < 1 || number > RTMAX) throw unknownSignal({ signal: text });
  return number;
}
