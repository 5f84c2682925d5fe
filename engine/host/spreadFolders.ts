import { Buffer } from 'node:buffer';

/**
 * Tells ext4 that the folders in this one have nothing to do with each other (`chattr +T`), so that it puts each in another part of the disk. Else
 * all layers share one, where those that are written at the same time wait for each other, and making a file takes ten times as long for
 * minutes after a layer was removed: ext4 looks at each inode that was freed lately. Other file systems have no such mark and need none.
 */
export async function spreadFolders(folder: string): Promise<void> {
  try {
    (await import('#native')).spreadFolders(Buffer.from(folder));
  } catch {
    // it was only a hint
  }
}
