import { lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../host/process.ts';
import { hostCommandFailed } from '../../base/errors.ts';
import { readTree } from '../context/tree.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';
import type { SelectedSource } from '../copy/selectSources.ts';
import { addFailed } from '../errors.ts';
import type { Place } from '../errors.ts';
import { withoutSecrets } from './fetchHttp.ts';
import type { RemoteSource } from './remoteSource.ts';

/** Nothing may ask, and no address may name a program. */
const environment = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'https:http:ssh:git', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };

export type GitSource = Extract<RemoteSource, { kind: 'git' }>;

/** What a repository has, for ADD. Throws BUILD_ADD_FAILED, HOST_TOOL_MISSING. */
export async function fetchGit(source: GitSource, folder: string, place: Place, signal: AbortSignal): Promise<SelectedSource> {
  const { inside } = await checkOut(source, folder, (detail) => addFailed({ ...place, url: withoutSecrets(source.url), detail }), signal);
  return { name: '', entries: await readTree(folder, inside), unpack: false };
}

/** Checks a repository out into a folder of its own, by the host's git; returns the commit, and the path in it of the folder that was asked for. Throws what `failed` makes, HOST_TOOL_MISSING. */
export async function checkOut(source: GitSource, folder: string, failed: (detail: string) => Error, signal: AbortSignal): Promise<{ readonly inside: string; readonly commit: string }> {
  if (source.url.startsWith('-') || source.ref?.startsWith('-')) throw failed('an address or reference cannot begin with -');
  await mkdir(folder);
  const git = async (...args: string[]): Promise<string> => {
    try {
      return (await run('git', ['-C', folder, ...args], { env: environment, signal })).stdout.trim();
    } catch (error) {
      throw hostCommandFailed.is(error) ? failed(String(error.params['stderr'])) : error;
    }
  };
  await git('init', '--quiet');
  const what = ['--no-tags', '--', source.url, source.ref ?? 'HEAD'];
  try {
    await git('fetch', '--quiet', '--depth', '1', ...what);
  } catch (error) {
    // A server of files only can give no part of a history.
    if (!(error instanceof Error) || !error.message.includes('does not support shallow')) throw error;
    await git('fetch', '--quiet', ...what);
  }
  await git('-c', 'advice.detachedHead=false', 'checkout', '--quiet', 'FETCH_HEAD');
  const commit = await git('rev-parse', 'HEAD');
  if (source.checksum !== undefined && !commit.startsWith(source.checksum.replace(/^sha(1|256):/, ''))) throw failed(`the commit is ${commit}, not ${source.checksum}`);
  await git('submodule', '--quiet', 'update', '--init', '--recursive', '--depth', '1');
  if (!source.keepGitDir) await rm(join(folder, '.git'), { recursive: true, force: true });
  const inside = await resolveInRoot(folder, source.folder ?? '');
  const info = await lstat(join(folder, inside)).catch(() => undefined);
  if (!info?.isDirectory()) throw failed(`the repository has no folder ${source.folder ?? ''}`);
  return { inside, commit };
}
