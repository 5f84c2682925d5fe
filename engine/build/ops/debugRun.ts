import { posix } from 'node:path';
import { hostPlatform } from '../../base/platform.ts';
import type { RunOp } from '../plan/graph.ts';
import type { RunDebugger } from '../ports.ts';
import type { Layer } from '../solve/layer.ts';
import { CommandFailed, executeRun } from './run.ts';
import type { RunServices } from './run.ts';
import type { PreparedMounts } from './runMounts.ts';
import type { Workspace } from './workspace.ts';

/** Lets the client of a build look at a command that failed. */
export interface DebugSession {
  readonly debugger: RunDebugger;
  /** Its client has a terminal. */
  readonly tty: boolean;
  /** Tells the client of the container. */
  readonly tell: (container: string, command: string, line: number) => void;
}

const SHELLS = new Set(['sh', 'bash', 'ash', 'dash', 'zsh', 'ksh']);

/** Runs the command; when it fails, its files, mounts, environment, user and folder stay for the client until it is done with them. Throws what `executeRun` does. */
export async function runOrDebug(op: RunOp, prepared: PreparedMounts, workspace: Workspace, below: readonly Layer[], services: RunServices, debug: DebugSession | undefined): Promise<void> {
  try {
    await executeRun(op, prepared, workspace, services);
  } catch (error) {
    if (!debug || !(error instanceof CommandFailed)) throw error;
    const trust = await services.certificates?.forStep(workspace.lowerDirs);
    await using container = await debug.debugger.open({
      snapshotIds: below.map(({ snapshotId }) => snapshotId),
      upperDir: workspace.upperDir,
      shell: shellOf(op),
      env: [...(trust?.env ?? []), ...op.hiddenEnv, ...op.env],
      secretEnv: prepared.env,
      cwd: op.cwd,
      user: op.user,
      mounts: [...prepared.mounts, ...(trust?.mounts ?? [])],
      network: op.network,
      ...(op.settings ? { settings: op.settings } : {}),
      privileged: op.insecure,
      platform: op.platform ?? hostPlatform(),
      tty: debug.tty,
    });
    debug.tell(container.id, error.command, workspace.place.line);
    await container.ended(workspace.signal);
    throw error;
  }
}

/** The shell that the command was for, if it was one. */
function shellOf({ args: [program = ''] }: RunOp): string {
  return SHELLS.has(posix.basename(program)) ? program : '/bin/sh';
}
