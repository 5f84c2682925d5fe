import { formatPlatform } from '../base/platform.ts';
import type { BuildContext } from './request.ts';
import type { Planned } from './planned.ts';
import { BuildProgress } from './progress.ts';

/** The progress of each plan: their instructions are counted through, and told apart by platform. */
export function progressOf(planned: readonly Planned[], ctx: BuildContext): BuildProgress[] {
  const total = planned.reduce((sum, { plan }) => sum + plan.instructions.length, 0);
  let offset = 0;
  return planned.map(({ plan, options }) => {
    const progress = new BuildProgress(plan, (event) => ctx.onEvent?.(event), { offset, total, label: planned.length > 1 ? `${formatPlatform(options.platform)} ` : '' });
    offset += plan.instructions.length;
    return progress;
  });
}

/** Works on all at the same time. When one fails, the others are cancelled and waited for; the first failure is the cause. */
export async function allOrNone<T, R>(list: readonly T[], signal: AbortSignal, work: (one: T, index: number, signal: AbortSignal) => Promise<R>): Promise<R[]> {
  const controller = new AbortController();
  const either = AbortSignal.any([signal, controller.signal]);
  let failure: { readonly error: unknown } | undefined;
  const running = list.map(async (one, index) => {
    try {
      return await work(one, index, either);
    } catch (error) {
      failure ??= { error };
      controller.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(running);
  if (failure) throw failure.error;
  return Promise.all(running);
}
