import { run } from '../host/process.ts';
import type { RunResult } from '../host/process.ts';
import { asRootOf } from '../host/tar/copyTree.ts';
import type { Container } from './container.ts';
import { invalidConfig, notRunning } from './errors.ts';
import { withInsideIds } from './ownIds.ts';
import type { ContainerParts } from './parts.ts';
import { containerPids } from './processes.ts';

/** The host's `ps` for the processes of a container: `{ Titles, Processes }`, Docker's shape. */
export async function containerTop(parts: Pick<ContainerParts, 'runtime' | 'cgroups' | 'cgroupParent'>, container: Container, psArgs: string): Promise<{ readonly Titles: string[]; readonly Processes: string[][] }> {
  if (!container.running) throw notRunning({ id: container.id });
  const args = psArgs.split(/\s+/).filter((arg) => arg !== '');
  // Docker has the host's users there, whose names nobody knows whom the engine itself sees shifted.
  const listing = (userNamespace?: string): Promise<RunResult> => {
    const [program = '', ...before] = [...asRootOf(userNamespace), 'ps'];
    return run(program, [...before, ...(args.length > 0 ? args : ['-ef'])], { okStatus: 'any' });
  };
  const [pids, listed] = await Promise.all([containerPids(parts, container), container.record.keepId ? withInsideIds(container, listing) : listing()]);
  if (listed.status !== 0) throw invalidConfig({ what: 'ps', detail: listed.stderr.trim().split('\n')[0] ?? '' });
  return parsePs(listed.stdout, new Set(pids));
}

/** Titles and rows of `ps`, those of some pids only. The last column may contain spaces. Throws when there is no PID column. */
export function parsePs(text: string, pids: ReadonlySet<number>): { readonly Titles: string[]; readonly Processes: string[][] } {
  const [head = '', ...lines] = text.split('\n');
  const titles = head.trim().split(/\s+/);
  const column = titles.indexOf('PID');
  if (column === -1) throw invalidConfig({ what: 'ps', detail: "Couldn't find PID field in ps output" });
  const rows = lines.map((line) => line.trim().split(/\s+/)).filter((fields) => pids.has(Number(fields[column])));
  return { Titles: titles, Processes: rows.map((fields) => [...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]) };
}
