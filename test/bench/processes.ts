import { readFile, readdir } from 'node:fs/promises';

export interface ProcessFact {
  readonly pid: number;
  readonly command: string;
}

/** Processes whose command line names `text`: everything an engine started is given paths of its own folders. */
export async function processesNaming(text: string): Promise<ProcessFact[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const facts = await Promise.all(pids.map(async (pid) => ({ pid: Number(pid), command: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ') })));
  return facts.filter(({ command }) => command.includes(text));
}

/**
 * Proportional set size of processes in MiB: private memory, and of what is shared its part. Processes that end meanwhile
 * count as nothing.
 */
export async function pssOf(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')));
  return texts.reduce((sum, text) => sum + Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024, 0);
}
