import type { NamedContextBody } from '../../../api/berth/build.ts';

/** Docker's addresses of Git repositories that say so themselves. */
const GIT = /^(git@[^:/\s]+:|git:\/\/|ssh:\/\/|https?:\/\/[^#]+\.git(#|$))/i;

/** What the value of `--build-context` names. Pure; `folder` makes a path of it that the engine knows. */
export function namedContextOf(value: string, folder: (path: string) => string): NamedContextBody {
  if (value.startsWith('docker-image://')) return { kind: 'image', ref: value.slice('docker-image://'.length) };
  if (value.startsWith('oci-layout://')) {
    const [, path = '', tag, digest] = /^(.*?)(?::([^/:@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(value.slice('oci-layout://'.length)) ?? [];
    const ref = digest ?? tag;
    return { kind: 'oci-layout', path: folder(path), ...(ref === undefined ? {} : { ref }) };
  }
  if (isGit(value)) return { kind: 'git', url: value };
  return /^https?:\/\//i.test(value) ? { kind: 'http', url: value } : { kind: 'directory', path: folder(value) };
}

function isGit(value: string): boolean {
  return GIT.test(value);
}
