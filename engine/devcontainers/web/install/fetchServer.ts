import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hostToolMissing } from '../../../base/errors.ts';
import { run } from '../../../host/process.ts';
import type { RunResult } from '../../../host/process.ts';
import { editorInstallFailed, editorNpmMissing } from '../../errors.ts';
import type { Tell } from '../../tell.ts';
import { prune } from './needed.ts';
import { editorRelease } from './release.ts';

/** Where our own npm is while it is needed. */
const OWN_NPM = '.npm';

/** Gets the server and its Node from npm: the two packages by the digests that we know, what they need by the server's own list of digests. */
export async function fetchServer(into: string, env: NodeJS.ProcessEnv, tell: Tell, signal: AbortSignal): Promise<void> {
  const npm = npmIn(env, into, signal);
  const say = (text: string): void => tell({ type: 'log', step: 'editorInstall', stream: 'stdout', text: `${text}\n` });
  const server = join(into, 'server');
  say(`code-server ${editorRelease.version}`);
  await unpack(npm, { name: 'code-server', version: editorRelease.version, integrity: editorRelease.integrity, member: 'package/lib/vscode', strip: 3, into: server });
  for (const folder of editorRelease.packages) {
    say(`its packages: ${folder}`);
    await npm(['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], join(server, folder));
  }
  for (const [path, target] of Object.entries(editorRelease.links)) {
    await rm(join(server, path), { force: true });
    await symlink(target, join(server, path));
  }
  await prune(server);
  const { version, integrity } = editorRelease.node;
  const known = integrity[process.arch as keyof typeof integrity];
  if (known === undefined) throw editorInstallFailed({ step: 'Node', detail: `there is none for ${process.arch} processors` });
  say(`Node ${version}`);
  await unpack(npm, { name: `node-linux-${process.arch}`, version, integrity: known, member: 'package/bin/node', strip: 2, into: join(into, 'bin') });
  await rm(join(into, OWN_NPM), { recursive: true, force: true });
}

type Npm = (args: readonly string[], cwd: string) => Promise<RunResult>;

/** npm of PATH, run by our own Node where npm leaves the choice; else the one that an engine which was carried to its host has with it. */
function npmIn(env: NodeJS.ProcessEnv, into: string, signal: AbortSignal): Npm {
  const path = [dirname(process.execPath), env['PATH'] ?? ''].join(delimiter);
  let command: Promise<readonly [string, ...string[]]> | undefined;
  return async (args, cwd) => {
    const [program, ...first] = await (command ??= npmCommand(path, into));
    try {
      return await run(program, [...first, ...args], { cwd, signal, env: { ...env, PATH: path } });
    } catch (error) {
      signal.throwIfAborted();
      if (hostToolMissing.is(error)) throw editorNpmMissing({ program: 'npm' }, { cause: error });
      throw editorInstallFailed({ step: `npm ${args[0] ?? ''}`, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
    }
  };
}

async function npmCommand(path: string, into: string): Promise<readonly [string, ...string[]]> {
  const packed = join(dirname(process.execPath), 'npm.tgz');
  if (path.split(delimiter).some((folder) => existsSync(join(folder, 'npm'))) || !existsSync(packed)) return ['npm'];
  const folder = join(into, OWN_NPM);
  await mkdir(folder, { recursive: true });
  await run('tar', ['-xzf', packed, '-C', folder, '--strip-components=1', '--no-same-owner']);
  return [process.execPath, join(folder, 'bin/npm-cli.js')];
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  /** What of it is wanted, and how many folders in front are not. */
  readonly member: string;
  readonly strip: number;
  readonly into: string;
}

async function unpack(npm: Npm, { name, version, integrity, member, strip, into }: Package): Promise<void> {
  await mkdir(into, { recursive: true, mode: 0o755 });
  const { stdout } = await npm(['pack', `${name}@${version}`, '--silent', '--pack-destination', into], into);
  const archive = join(into, stdout.trim().split('\n').at(-1) ?? '');
  const hash = createHash('sha512');
  await pipeline(createReadStream(archive), hash);
  if (`sha512-${hash.digest('base64')}` !== integrity) throw editorInstallFailed({ step: `${name}@${version}`, detail: 'its digest is not the one that this version of Berth knows' });
  await run('tar', ['-xzf', archive, '-C', into, `--strip-components=${strip}`, '--no-same-owner', member]);
  await rm(archive);
}
