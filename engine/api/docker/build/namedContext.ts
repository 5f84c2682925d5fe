import type { NamedContextBody } from '../../berth/build.ts';
import { isGitAddress, isHttpAddress } from '../../berth/remoteAddress.ts';

/** What `--build-context NAME=VALUE` says. `folder` makes a path of a value that the engine knows. */
export function parseNamedContext(text: string, folder: (path: string) => string): readonly [name: string, NamedContextBody] {
  const equals = text.indexOf('=');
  const [name, value] = equals < 0 ? ['', ''] : [text.slice(0, equals), text.slice(equals + 1)];
  if (name === '' || value === '') throw new Error(`--build-context ${text}: expected NAME=VALUE, where VALUE is a folder, the URL of an archive or Git repository, docker-image://IMAGE, or oci-layout://FOLDER[:TAG]`);
  return [name, namedContextOf(value, folder)];
}

function namedContextOf(value: string, folder: (path: string) => string): NamedContextBody {
  if (value.startsWith('docker-image://')) return { kind: 'image', ref: value.slice('docker-image://'.length) };
  if (value.startsWith('oci-layout://')) {
    const [, path = '', tag, digest] = /^(.*?)(?::([^/:@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(value.slice('oci-layout://'.length)) ?? [];
    const ref = digest ?? tag;
    return { kind: 'oci-layout', path: folder(path), ...(ref === undefined ? {} : { ref }) };
  }
  if (isGitAddress(value)) return { kind: 'git', url: value };
  return isHttpAddress(value) ? { kind: 'http', url: value } : { kind: 'directory', path: folder(value) };
}
