import { baseTar, editorTar, enginesTar, systemdTar } from './base.ts';
import { packagedEngine } from './engineArchive.ts';
import { remoteHostRoot } from './remoteHostRoot.ts';

/**
 * Before the engine suite, in mocha's own process: what takes long to make and many files want, so that the processes which run the files find it.
 * One line of work after the other, two at a time: the rest of each is waiting for the network and the disk.
 */
export async function mochaGlobalSetup(): Promise<void> {
  await Promise.all([baseTar().then(systemdTar).then(remoteHostRoot), packagedEngine().then(enginesTar).then(editorTar)]);
}
