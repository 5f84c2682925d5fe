import { hostToolMissing } from '../base/errors.ts';
import { run } from './process.ts';

/** firewalld's own zone of what it lets pass; its tables have no other place for an exception that would outlive a reload of it. */
const ZONE = '--zone=trusted';

/**
 * Where firewalld runs, what no zone of it allows is rejected, and an accept in a table of ours does not help: these bridges go to its trusted zone, for
 * as long as it runs. Nothing to do where it does not.
 */
export async function trustInFirewalld(bridges: readonly string[]): Promise<void> {
  const trusted = await trustedInterfaces();
  for (const bridge of trusted ? bridges : []) if (!trusted?.includes(bridge)) await run('firewall-cmd', ['-q', ZONE, `--change-interface=${bridge}`], { okStatus: 'any' });
}

/** Takes back what `trustInFirewalld` added. */
export async function forgetInFirewalld(bridges: readonly string[]): Promise<void> {
  const trusted = await trustedInterfaces();
  for (const bridge of bridges) if (trusted?.includes(bridge)) await run('firewall-cmd', ['-q', ZONE, `--remove-interface=${bridge}`], { okStatus: 'any' });
}

/** `undefined`: no firewalld runs here. */
async function trustedInterfaces(): Promise<string[] | undefined> {
  try {
    const { status, stdout } = await run('firewall-cmd', [ZONE, '--list-interfaces'], { okStatus: 'any' });
    return status === 0 ? stdout.trim().split(/\s+/) : undefined;
  } catch (error) {
    if (hostToolMissing.is(error)) return undefined;
    throw error;
  }
}
