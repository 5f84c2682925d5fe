import type { OperationContext } from '../../base/context.ts';
import type { Imports } from '../cache/imports.ts';
import type { CacheEntry } from '../cache/stepCache.ts';
import type { SourceTree } from '../copy/selectSources.ts';
import type { DebugSession } from '../ops/debugRun.ts';
import type { BuildSecrets } from '../ops/runMounts.ts';
import type { Step } from '../plan/graph.ts';
import type { Definitions } from './definitions.ts';
import type { Layer, StepResult } from './layer.ts';
import type { Output } from './sharedWork.ts';

export interface SolveListener {
  started(step: Step): void;
  ended(step: Step, how: 'cached' | 'finished' | 'failed', entry?: Pick<CacheEntry, 'snapshotId'>): void;
  printed(step: Step, output: Output): void;
}

export interface SolveOptions {
  readonly context: SourceTree;
  readonly given: BuildSecrets;
  /** Whether a step is done again although it is known. */
  readonly again: (step: Step) => boolean;
  /** Commands that fail are shown to the client. */
  readonly debug?: DebugSession | undefined;
  /** Caches of other machines. */
  readonly imports?: Imports | undefined;
  readonly signal: AbortSignal;
  readonly report: OperationContext['report'];
  readonly listener: SolveListener;
  /** Called with every snapshot that the build needs until it ends. */
  readonly hold: (snapshotId: string) => void;
}

/** What came of a build's steps. */
export interface Solved {
  readonly results: ReadonlyMap<string, StepResult>;
  /** Layers of the image, here; base first. */
  readonly target: readonly Layer[];
  readonly definitions: Definitions;
}
