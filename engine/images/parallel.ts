/** Runs `work` on each, at most `limit` at a time; the first failure ends the others. Results keep their order. */
export async function inParallel<T, R>(items: readonly T[], limit: number, signal: AbortSignal, work: (item: T, signal: AbortSignal) => Promise<R>): Promise<R[]> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const results: R[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        results[next[0]] = await work(next[1], both);
      } catch (error) {
        queue.length = 0;
        failed.abort();
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (reasons.length > 0) throw reasons.find((reason) => !(reason instanceof Error && reason.name === 'AbortError')) ?? reasons[0];
  return results;
}
