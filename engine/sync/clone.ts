import { lstat, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { makeFolders } from '../base/makeFolders.ts';
import { start, startFailure } from '../host/process.ts';
import { cloneFailed, cloneTargetInvalid, cloneUrlInvalid } from './errors.ts';

export interface CloneRequest {
  readonly url: string;
  /** Absolute, or with `~/` in front; default: `~/berth/<name of the repository>`. */
  readonly folder?: string;
  readonly branch?: string;
}

export interface CloneContext {
  readonly signal: AbortSignal;
  readonly onOutput: (text: string) => void;
  readonly home?: string;
}

const SCHEMES = /^(https?|ssh|git|file):\/\//;
/** `user@host:path`, as scp has it. */
const SCP_LIKE = /^[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:]/;

/**
 * Clones a repository by this host's git; returns the folder. Nobody can be asked for a password: keys of an agent and git's own helpers are what there is.
 * Throws CLONE_URL_INVALID, CLONE_TARGET_INVALID, CLONE_FAILED, HOST_TOOL_MISSING.
 */
export async function clone(request: CloneRequest, ctx: CloneContext): Promise<string> {
  const url = checkedUrl(request.url);
  const { branch } = request;
  if (branch !== undefined && !/^[^-\s~^:?*[\\][^\s~^:?*[\\]*$/.test(branch)) throw cloneUrlInvalid({ url: shown(url), detail: `${branch} is no name of a branch` });
  const folder = await freeFolder(request.folder ?? `~/berth/${repositoryName(url)}`, ctx.home ?? homedir());
  await makeFolders(dirname(folder), 0o755).catch((error: unknown) => {
    throw cloneTargetInvalid({ folder, detail: systemCode(error) ?? String(error) }, { cause: error });
  });
  await git(['clone', '--progress', ...(branch === undefined ? [] : ['--branch', branch]), '--', url, folder], url, ctx);
  return folder;
}

/** Neither an option nor a transport helper: those run programs. */
function checkedUrl(url: string): string {
  if (url.startsWith('-')) throw cloneUrlInvalid({ url: shown(url), detail: 'it begins like an option' });
  if (/[\0\r\n]/.test(url)) throw cloneUrlInvalid({ url: shown(url), detail: 'it has a line break in it' });
  if (/^[A-Za-z0-9]+::/.test(url)) throw cloneUrlInvalid({ url: shown(url), detail: 'transport helpers are not allowed' });
  if (isAbsolute(url) || SCP_LIKE.test(url)) return url;
  if (!SCHEMES.test(url)) throw cloneUrlInvalid({ url: shown(url), detail: 'it is no address of a repository' });
  // A host or user that begins with a dash would be an option of ssh.
  if (/^ssh:\/\/([^/@]*@)?-/.test(url) || /^ssh:\/\/-/.test(url)) throw cloneUrlInvalid({ url: shown(url), detail: 'its host begins like an option' });
  return url;
}

/** Without a password that may be in it. */
function shown(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1…@');
}

export function repositoryName(url: string): string {
  const name = /([^/:]+?)(\.git)?\/*$/.exec(url)?.[1] ?? 'repository';
  return name.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^[.-]+/, '') || 'repository';
}

async function freeFolder(folder: string, home: string): Promise<string> {
  const path = normalize(folder.startsWith('~/') ? join(home, folder.slice(2)) : folder);
  if (!isAbsolute(path)) throw cloneTargetInvalid({ folder, detail: 'it is not absolute (only ~ may stand in front)' });
  try {
    if (!(await lstat(path)).isDirectory()) throw cloneTargetInvalid({ folder: path, detail: 'a file is there' });
    if ((await readdir(path)).length > 0) throw cloneTargetInvalid({ folder: path, detail: 'it is not empty' });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  return path;
}

function git(args: readonly string[], url: string, { signal, onOutput }: CloneContext): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS: '', GIT_ALLOW_PROTOCOL: 'http:https:ssh:git:file', GIT_SSH_COMMAND: process.env['GIT_SSH_COMMAND'] ?? 'ssh -oBatchMode=yes', LC_ALL: 'C.UTF-8' };
    const child = start('git', args, { cwd: '/', env, signal, stdio: ['ignore', 'ignore', 'pipe'] });
    let last = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      last = (last + text).slice(-4000);
      onOutput(text);
    });
    child.once('error', (error) => reject(startFailure('git', error)));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(cloneFailed({ url: shown(url), status: code ?? 1, detail: lastWords(last) }));
    });
  });
}

function lastWords(text: string): string {
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '' && !line.startsWith('Cloning into'));
  return lines.slice(-4).join(' ').replaceAll(/([a-z]+:\/\/)[^/@\s]*@/gi, '$1…@') || 'it gave no reason';
}
