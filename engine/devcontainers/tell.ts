import type { UpEvent } from '../api/berth/devcontainer.ts';

/** What `up` announces while it works; never the result. */
export type Tell = (event: Exclude<UpEvent, { type: 'result' }>) => void;

/** Announces a part of the work: that it begins, and how it ended. */
export async function step<T>(tell: Tell, name: string, text: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  tell({ type: 'step', step: name, status: 'started', text });
  try {
    const result = await work();
    tell({ type: 'step', step: name, status: 'finished', text, durationMs: Math.round(performance.now() - begin) });
    return result;
  } catch (error) {
    tell({ type: 'step', step: name, status: 'failed', text });
    throw error;
  }
}
