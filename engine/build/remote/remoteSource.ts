import { isGitAddress, isHttpAddress } from '../../api/berth/remoteAddress.ts';

/** A source of ADD that is elsewhere. */
export type RemoteSource =
  | { readonly kind: 'http'; readonly url: string; /** `sha256:…` of the file. */ readonly checksum?: string; readonly unpack: boolean }
  | { readonly kind: 'git'; readonly url: string; /** Branch, tag or commit; absent: HEAD. */ readonly ref?: string; readonly folder?: string; /** Beginning of the commit's id. */ readonly checksum?: string; readonly keepGitDir: boolean };

/** Whether a source of ADD names something that is not in the context. */
export function isRemote(source: string): boolean {
  return isGitAddress(source) || isHttpAddress(source);
}

/** What a remote source means: of a repository `#ref:folder`, or `?ref=…&subdir=…&checksum=…&keep-git-dir=true` (`branch`, `tag`). Pure. `flags`: those of the ADD. */
export function parseRemote(source: string, flags: { readonly checksum?: string; readonly keepGitDir: boolean; readonly unpack: boolean }): RemoteSource {
  const checksum = flags.checksum === undefined ? {} : { checksum: flags.checksum };
  if (!isGitAddress(source)) return { kind: 'http', url: source, unpack: flags.unpack, ...checksum };
  const { url, query, fragment } = /^(?<url>[^?#]*)(?:\?(?<query>[^#]*))?(?:#(?<fragment>.*))?$/s.exec(source)?.groups ?? {};
  const asked = new URLSearchParams(query ?? '');
  const [written = '', below = ''] = (fragment ?? '').split(':');
  const ref = written || (asked.get('ref') ?? asked.get('branch') ?? asked.get('tag') ?? '');
  const folder = below || (asked.get('subdir') ?? '');
  const commit = asked.get('checksum') ?? asked.get('commit');
  const keepGitDir = flags.keepGitDir || asked.get('keep-git-dir') === 'true';
  return { kind: 'git', url: url ?? source, keepGitDir, ...(ref === '' ? {} : { ref }), ...(folder === '' ? {} : { folder }), ...(commit === null ? {} : { checksum: commit }), ...checksum };
}
