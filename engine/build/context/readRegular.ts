import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** Bytes; Dockerfiles, ignore files and user databases are far shorter. */
const MOST = 16 * 1024 * 1024;

/** What was to be read is a device, a pipe, a folder, or too long. */
export class NotReadable extends Error {
  override readonly name = 'NotReadable';
}

/**
 * The text of a file that came with a context or an image. Such a file can be a FIFO, which would never end to be opened, or a device,
 * which would never end to be read. Throws NotReadable, and what the file system says.
 */
export async function readRegular(path: string): Promise<string> {
  if (!(await stat(path)).isFile()) throw new NotReadable(`${path} is no regular file`);
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new NotReadable(`${path} is no regular file`);
    if (info.size > MOST) throw new NotReadable(`${path} is longer than ${MOST} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
