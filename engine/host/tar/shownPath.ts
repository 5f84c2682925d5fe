import { Buffer } from 'node:buffer';

/**
 * Names in archives are bytes, UTF-8 by custom only. We carry them as strings of one character a byte (latin1), so that none
 * is changed on its way; for people they are read as UTF-8.
 */
export function shownPath(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}

/** A name written in our own code or a document, as the archive has it. */
export function archivePath(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
