import { chmod, stat } from 'node:fs/promises';

const TUN = '/dev/net/tun';
let before: number | undefined;

/** Opens the TUN device to everybody. Several processes of tests may want it at once: none may close it while another works. */
export async function openTun(): Promise<void> {
  await chmod(TUN, 0o666);
}

/** For the start of a whole suite, in mocha's own process. */
export async function mochaGlobalSetup(): Promise<void> {
  before = await stat(TUN).then(({ mode }) => mode & 0o777, () => undefined);
}

/** At its end the device is as it was. */
export async function mochaGlobalTeardown(): Promise<void> {
  if (before !== undefined) await chmod(TUN, before);
}
