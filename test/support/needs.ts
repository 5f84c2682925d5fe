import { cgroupFacts } from '../../engine/host/cgroups.ts';
import { inUserNamespace } from '../../engine/host/userNamespace.ts';

/** What an engine without root (or without control groups) has not. Tests of the behaviour suite say here what they cannot do without. */
const has = {
  /** Limits, pause, device rules. */
  cgroups: () => cgroupFacts().usable,
  /** The host's root: what the kernel grants nobody else. */
  root: () => !inUserNamespace(),
};

/** Skips a test where the engine lacks something. */
export function needs(context: Mocha.Context, ...what: ReadonlyArray<keyof typeof has>): void {
  if (what.some((one) => !has[one]())) context.skip();
}

/** Docker's capabilities as /proc shows them: without control groups no container may make device nodes. */
export function defaultCapabilities(without = 0n): string {
  const mask = 0xa80425fbn & ~without & (has.cgroups() ? ~0n : ~(1n << 27n));
  return mask.toString(16).padStart(16, '0');
}
