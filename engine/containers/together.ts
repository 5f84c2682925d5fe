/**
 * As Promise.all, but waits for all of the work also when some fails, and then throws the first failure: whoever cleans up afterwards
 * finds nothing still under way.
 */
export async function together<T extends readonly unknown[]>(work: readonly [...{ [K in keyof T]: Promise<T[K]> }]): Promise<T> {
  const promises: ReadonlyArray<Promise<unknown>> = work;
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as unknown as T;
}
