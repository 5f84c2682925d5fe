/** How long to wait before trying to connect again, in milliseconds; undefined: wait for the socket to appear instead. */
export function backOff(failures: number): number | undefined {
  const limit = 7;
  return failures > limit ? undefined : Math.min(5000, 100 * 2 ** (failures - 1));
}
