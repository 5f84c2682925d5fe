import type { Place } from '../errors.ts';
import type { Output } from '../solve/sharedWork.ts';

/** Where an operation works. */
export interface Workspace {
  /** A folder of its own, removed afterwards. */
  readonly temp: string;
  /** The layers below, topmost first. */
  readonly lowerDirs: readonly string[];
  /** Takes the changes: it becomes the new layer. */
  readonly upperDir: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly print: (output: Output) => void;
}
