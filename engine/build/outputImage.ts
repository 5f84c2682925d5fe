import type { History, ImageConfig } from '../content/oci.ts';
import { digestOf } from './plan/digest.ts';
import type { BuildPlan } from './plan/graph.ts';
import { identities } from './solve/layer.ts';
import type { StepResult } from './solve/layer.ts';
import type { Solved } from './solve/solving.ts';

const COMMENT = 'berth.dockerfile';

/** Digest of all that makes the image what it is, times excepted: the same again needs no new image. `more`: what the image has besides. */
export function imageKey(plan: BuildPlan, { results, target }: Solved, more: readonly unknown[]): string {
  const history = plan.history.map(({ createdBy, step }) => [createdBy, step === undefined ? null : (results.get(step)?.entry?.snapshotId ?? null)]);
  return digestOf([1, identities(target), plan.config, history, plan.baseHistory, plan.author ?? null, plan.platform, plan.epoch ?? null, ...more]);
}

/** The configuration of the image. `now`: RFC 3339. An image whose steps were all done before is as old as they are. */
export function outputConfig(plan: BuildPlan, { results }: Pick<Solved, 'results'>, now: string): Omit<ImageConfig, 'rootfs'> {
  const created = plan.epoch === undefined ? (newest(plan, results) ?? now) : new Date(plan.epoch * 1000).toISOString();
  const made = plan.history.map(({ createdBy, step }): History => {
    const entry = step === undefined ? undefined : results.get(step)?.entry;
    const base = { created: plan.epoch === undefined && entry ? entry.created : created, created_by: createdBy, comment: COMMENT };
    return entry?.snapshotId ? base : { ...base, empty_layer: true };
  });
  const { os, architecture, variant } = plan.platform;
  return {
    created,
    ...(plan.author === undefined ? {} : { author: plan.author }),
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: plan.config,
    history: [...plan.baseHistory, ...made],
  };
}

function newest(plan: BuildPlan, results: ReadonlyMap<string, StepResult>): string | undefined {
  const times = plan.history.flatMap(({ step }) => (step === undefined ? [] : (results.get(step)?.entry?.created ?? [])));
  return times.sort().at(-1);
}
