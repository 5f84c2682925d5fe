/** A source of ADD that is elsewhere. */
export type RemoteSource =
  | { readonly kind: 'http'; readonly url: string; /** `sha256:…` of the file. */ readonly checksum?: string; readonly unpack: boolean }
  | { readonly kind: 'git'; readonly url: string; /** Branch, tag or commit; absent: HEAD. */ readonly ref?: string; readonly folder?: string; /** Beginning of the commit's id. */ readonly checksum?: string; readonly keepGitDir: boolean };

const GIT = /^(git@[^:/\s]+:|git:\/\/|ssh:\/\/|https?:\/\/[^#]+\.git(#|$))/i;

/** Whether a source of ADD names something that is not in the context. */
export function isRemote(source: string): boolean {
  return GIT.test(source) || /^https?:\/\//i.test(source);
}

/** What a remote source means. Pure. `flags`: those of the ADD. */
export function parseRemote(source: string, flags: { readonly checksum?: string; readonly keepGitDir: boolean; readonly unpack: boolean }): RemoteSource {
  const checksum = flags.checksum === undefined ? {} : { checksum: flags.checksum };
  if (!GIT.test(source)) return { kind: 'http', url: source, unpack: flags.unpack, ...checksum };
  const hash = source.indexOf('#');
  const url = hash < 0 ? source : source.slice(0, hash);
  const [ref = '', folder = ''] = hash < 0 ? [] : source.slice(hash + 1).split(':');
  return { kind: 'git', url, keepGitDir: flags.keepGitDir, ...(ref === '' ? {} : { ref }), ...(folder === '' ? {} : { folder }), ...checksum };
}
