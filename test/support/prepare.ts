import { baseTar, editorTar, enginesTar, systemdTar } from './base.ts';
import { packagedEngine } from './engineArchive.ts';
import { remoteHostRoot } from './remoteHostRoot.ts';
import { sweepDeadRuns } from './sweep.ts';

/**
 * Before the engine suite, in mocha's own process: what runs that were killed have left is taken away, and what takes long to make and many files want, is made, so that the processes which run the files find it.
 * One line of work after the other, two at a time: the rest of each is waiting for the network and the disk.
 */
export async function mochaGlobalSetup(): Promise<void> {
  for (const line of await sweepDeadRuns()) console.log(`left by a run that was killed, now gone: ${line}`);
  await Promise.all([baseTar().then(systemdTar).then(remoteHostRoot), packagedEngine().then(enginesTar).then(editorTar)]);
}
