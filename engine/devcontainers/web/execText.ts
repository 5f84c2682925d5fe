import { runExec } from '../exec/runExec.ts';
import type { ExecRequest } from '../exec/runExec.ts';
import type { DevExecs } from '../ports.ts';

export interface ExecText {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a process in a container to its end and returns what it printed. */
export async function execText(execs: DevExecs, containerId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecText> {
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const status = await runExec(execs, containerId, request, (data, stream) => void chunks[stream].push(data), signal);
  return { status, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}
