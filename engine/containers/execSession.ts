import type { ExecCreate } from '../api/docker/container.ts';
import type { Container } from './container.ts';

/** One `exec` from its creation to five minutes after its end. Kept in memory: a new engine knows nothing of it, as with Docker. */
export interface ExecSession {
  readonly id: string;
  readonly container: Container;
  readonly config: ExecCreate;
  /** Holds process.json, pid, log, and for a terminal conmon's files. */
  readonly bundle: string;
  tty: boolean;
  status: 'created' | 'running' | 'ended';
  exitCode: number | null;
  pid: number;
  size: { readonly rows: number; readonly columns: number } | undefined;
}

export function commandText({ config }: ExecSession): string {
  return (config.Cmd ?? []).join(' ');
}
