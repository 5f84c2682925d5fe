import type { Capabilities, Change, Outcome, ScanDelta } from './entry.ts';
import type { Need, Wanted } from './messages.ts';
import type { RuleSetData } from './ruleSet.ts';

/** One of the two folders of a sync, here or at the other end of a connection. Calls come one at a time. */
export interface Side {
  readonly capabilities: Capabilities;
  /** What is different since the scan before. `full`: looks at everything, not only where something was noticed. New rules mean a full scan from nothing. */
  scan(options: { readonly full: boolean; readonly rules?: RuleSetData }): Promise<ScanDelta>;
  /** Prepares to have these files: the answer says what must be sent, with the sums of what is there of it. */
  stage(files: readonly Wanted[], options: { readonly keepTimes: boolean }): Promise<Need[]>;
  /** Takes the content that `stage` asked for; the answer says which of its files did not arrive whole. */
  receive(content: AsyncIterable<Buffer>): Promise<number[]>;
  supply(needs: readonly Need[]): AsyncIterable<Buffer>;
  /** Makes the changes, in order; one outcome each. */
  apply(changes: readonly Change[]): Promise<Outcome[]>;
  /** What was applied is on the disk. */
  settle(): Promise<void>;
}
