import { readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, signalProcess } from './processIdentity.ts';
import type { ProcessIdentity } from './processIdentity.ts';

const TOOLS = new Set(['conmon', 'crun', 'runc']);
const SIGKILL = 9;
const PATIENCE_MS = 5_000;

/**
 * Ends what a killed engine had at work: conmon and OCI runtimes on a bundle `<folder>/<id>` for which `keeps(id)` is false. They
 * outlive the engine, and would go on making a cgroup and processes while the next engine takes them away. Resolves when they are gone.
 */
export async function endStrayTools(folders: readonly string[], keeps: (id: string) => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const strays = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => strayWithPid(Number(pid), folders, keeps) ?? []);
    if (strays.length === 0 || Date.now() > end) return;
    for (const stray of strays) signalProcess(stray, SIGKILL);
    while (strays.some(isAlive) && Date.now() < end) await delay(2);
  }
}

/** Processes of conmon and OCI runtimes on a bundle below one of these folders. */
export function toolsOn(folders: readonly string[]): Array<ProcessIdentity & { readonly bundle: string }> {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const process = identify(Number(pid));
      const bundle = process && bundleOf(commandLine(process.pid), folders);
      return process && bundle !== undefined ? [{ ...process, bundle }] : [];
    });
}

function strayWithPid(pid: number, folders: readonly string[], keeps: (id: string) => boolean): ProcessIdentity | undefined {
  const process = identify(pid);
  const id = process && bundleOf(commandLine(pid), folders);
  return id === undefined || keeps(id) ? undefined : process;
}

/** The id whose bundle a command line of conmon or a runtime names; `undefined` for every other program. */
export function bundleOf(args: readonly string[], folders: readonly string[]): string | undefined {
  if (!TOOLS.has(basename(args[0] ?? ''))) return undefined;
  for (const folder of folders) {
    const path = args.find((arg) => arg.startsWith(`${folder}/`));
    if (path !== undefined) return path.slice(folder.length + 1).split('/')[0];
  }
  return undefined;
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
