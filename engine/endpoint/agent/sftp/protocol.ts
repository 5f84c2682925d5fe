/** The numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02), as OpenSSH speaks it. */

export const request = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const;

export const reply = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extended: 201 } as const;

export const status = { ok: 0, eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const;

export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

export const attribute = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x80000000 } as const;

/** Longest packet taken, as OpenSSH's server says in its `limits@openssh.com`. */
export const MAX_PACKET = 256 * 1024;
/** Longest read and write: a packet, less its head. */
export const MAX_DATA = MAX_PACKET - 1024;

/** The client sent what is no packet: the session ends. */
export class BadPacket extends Error {
  override readonly name = 'BadPacket';
}
