import { stages } from '../config/metadata.ts';
import type { MergedConfig, Stage } from '../config/metadata.ts';

export interface StageOptions {
  readonly skipPostCreate: boolean;
  readonly skipPostAttach: boolean;
  readonly skipNonBlocking: boolean;
}

export interface PlannedStage {
  readonly stage: Stage;
  /** What the stage's marker will say; undefined: it runs every time and leaves none. */
  readonly marker: string | undefined;
}

/**
 * The lifecycle stages that an `up` runs, in order. The first three run once for a container, postStart once for a start, postAttach
 * every time. What is skipped leaves no marker, so a later `up` runs it. Pure.
 */
export function planStages(merged: Pick<MergedConfig, 'waitFor'>, done: Readonly<Record<string, string>>, container: { readonly id: string; readonly startedAt: string }, options: StageOptions): PlannedStage[] {
  if (options.skipPostCreate) return [];
  const planned: PlannedStage[] = [];
  for (const stage of options.skipNonBlocking ? blocking(merged.waitFor) : stages) {
    if (stage === 'postAttachCommand' && options.skipPostAttach) continue;
    const marker = stage === 'postAttachCommand' ? undefined : stage === 'postStartCommand' ? container.startedAt : container.id;
    if (marker === undefined || done[stage] !== marker) planned.push({ stage, marker });
  }
  return planned;
}

/** The stages up to the one that `waitFor` names. */
function blocking(waitFor: MergedConfig['waitFor']): readonly Stage[] {
  return stages.slice(0, stages.findIndex((stage) => stage === waitFor) + 1);
}
