import { existsSync } from 'node:fs';
import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CGROUP_ROOT, cgroupVersion, ownCgroup } from '../cgroups.ts';
import { run } from '../process.ts';

/*
 * Control groups of version 2 for an ordinary user's containers. Nobody may move a process out of a login session's group; so keeper and engine
 * are in a group that the user's systemd made (a scope, `Delegate=yes`), and where there is no such systemd, in whatever group we are in, if it is ours.
 *
 *   <scope>/keeper  <scope>/engine  <scope>/containers/<id>
 *
 * The keeper's folder names the parent of the containers' groups in the file `cgroup`.
 */

const FILE = 'cgroup';
const PATIENCE_MS = 20_000;

/**
 * Runs in the new scope, whose own group must be without processes before it can give controllers to those below. $1: the file to write;
 * the rest: the command to become.
 */
const ENTER = `own=$(sed -n 's/^0:://p' /proc/self/cgroup) group=${CGROUP_ROOT}$own file=$1
shift
if mkdir "$group/keeper" "$group/engine" && echo $$ > "$group/keeper/cgroup.procs"; then
  for name in $(cat "$group/cgroup.controllers"); do echo "+$name" > "$group/cgroup.subtree_control"; done
  echo "$own/containers" > "$file"
fi
exec "$@"`;

/** What a host has of a systemd for this user. */
export interface UserManagerFacts {
  readonly version: '1' | '2';
  readonly runtimeDir: string | undefined;
  readonly exists: (path: string) => boolean;
}

/** Whether to ask this user's systemd for a scope. Pure. */
export function hasUserManager({ version, runtimeDir, exists }: UserManagerFacts): boolean {
  return version === '2' && runtimeDir !== undefined && exists('/run/systemd/system') && exists(join(runtimeDir, 'systemd/private'));
}

/** The scope of a keeper. */
export function scopeName(instance: string, keeperFolder: string): string {
  return `berth-${instance}-${basename(keeperFolder)}.scope`;
}

/** A command as it is to be started for a new keeper: in a scope of its own, where the user's systemd makes one; else as it is. */
export function inScope(instance: string, folder: string, command: readonly string[]): readonly string[] {
  if (!hasUserManager({ version: cgroupVersion(), runtimeDir: process.env['XDG_RUNTIME_DIR'], exists: existsSync })) return command;
  const properties = ['Delegate=yes', 'TasksMax=infinity'].flatMap((one) => ['--property', one]);
  return ['systemd-run', '--user', '--scope', '--quiet', '--collect', '--unit', scopeName(instance, folder), '--description', 'Containers of Berth', ...properties, '--', 'sh', '-c', ENTER, 'sh', join(folder, FILE), ...command];
}

/** Without systemd: a group below ours, where ours is the user's. */
export async function useOwnGroup(instance: string, folder: string): Promise<void> {
  if (cgroupVersion() !== '2') return;
  const own = ownCgroup();
  const mine = await Promise.all(['', 'cgroup.procs'].map((name) => access(join(CGROUP_ROOT, own, name), constants.W_OK))).then(() => true, () => false);
  if (mine) await writeFile(join(folder, FILE), `${join(own, `berth-${instance}`)}\n`);
}

/** The parent of the containers' groups, in the spelling of the OCI spec's cgroupsPath; `undefined` when the keeper got none. */
export async function delegatedParent(keeperFolder: string | undefined): Promise<string | undefined> {
  if (keeperFolder === undefined) return undefined;
  const path = (await readFile(join(keeperFolder, FILE), 'utf8').catch(() => '')).trim();
  return path.startsWith('/') ? path : undefined;
}

/**
 * Moves this process into the keeper's scope, so that the engine it starts may move containers. A later engine is started from another session.
 * Only systemd may do it; if it does not, the engine finds that it has no control groups.
 */
export async function enterScope(instance: string, keeperFolder: string): Promise<void> {
  const scope = scopeName(instance, keeperFolder);
  if (!(await delegatedParent(keeperFolder))?.includes(`/${scope}/`) || ownCgroup().includes(`/${scope}/`)) return;
  const method = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'AttachProcessesToUnit', 'ssau', scope, '/engine', '1', String(process.pid)];
  await run('busctl', ['--user', '--quiet', 'call', ...method], { okStatus: 'any', signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
}
