import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPlatform, hostPlatform } from '../../base/platform.ts';
import { runsHere } from '../../host/emulation.ts';
import { deviceEdits } from '../../host/cdi.ts';
import type { DeviceEdits } from '../../host/cdi.ts';
import { deviceMissing, emulatorMissing } from '../errors.ts';
import type { RunOp } from '../plan/graph.ts';
import type { StepRunner } from '../ports.ts';
import type { BuildCertificates } from './certificates.ts';
import { LastLines } from './lastLines.ts';
import type { PreparedMounts } from './runMounts.ts';
import type { Workspace } from './workspace.ts';

/** A command ended with a status other than 0. Says nothing of the place: several builds may have asked for the same command. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly command: string;
  readonly exitCode: number;
  readonly output: string;

  constructor(command: string, exitCode: number, output: string) {
    super(`${command} ended with ${exitCode}`);
    this.command = command;
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** What runs commands, and what they may trust. */
export interface RunServices {
  readonly runner: StepRunner;
  readonly certificates?: BuildCertificates | undefined;
}

/** Runs the command in a container on the layers below. Throws CommandFailed, BUILD_EMULATOR_MISSING, BUILD_DEVICE_MISSING. */
export async function executeRun(op: RunOp, prepared: Pick<PreparedMounts, 'mounts' | 'env'>, workspace: Workspace, { runner, certificates }: RunServices): Promise<void> {
  if (op.platform && !(await runsHere(op.platform, workspace.temp))) throw emulatorMissing({ ...workspace.place, platform: formatPlatform(op.platform), host: formatPlatform(hostPlatform()) });
  const devices = await devicesOf(op, workspace);
  const lines = new LastLines();
  const trust = await certificates?.forStep(workspace.lowerDirs);
  const workDir = join(workspace.temp, 'work');
  await mkdir(workDir, { recursive: true });
  const { exitCode } = await runner.run(
    {
      lowerDirs: workspace.lowerDirs.length > 0 ? [...workspace.lowerDirs] : [await emptyLayer(workspace.temp)],
      upperDir: workspace.upperDir,
      workDir,
      args: [...op.args],
      env: [...(trust?.env ?? []), ...op.hiddenEnv, ...op.env, ...prepared.env],
      cwd: op.cwd,
      user: op.user,
      mounts: [...prepared.mounts, ...(trust?.mounts ?? [])],
      network: op.network,
      ...(op.settings ? { settings: op.settings } : {}),
      privileged: op.insecure,
      ...(devices ? { devices } : {}),
      onOutput: (chunk, stream) => {
        lines.add(chunk);
        workspace.print({ chunk, stream });
      },
    },
    { signal: workspace.signal, report: () => undefined },
  );
  workspace.signal.throwIfAborted();
  if (exitCode !== 0) throw new CommandFailed(op.args.join(' '), exitCode, lines.text());
}

/** What the command's devices need. Those that this host has not are left out, or said: BUILD_DEVICE_MISSING. */
async function devicesOf({ devices = [] }: RunOp, { place }: Workspace): Promise<DeviceEdits | undefined> {
  const found: DeviceEdits[] = [];
  for (const { name, required } of devices) {
    const edits = await deviceEdits(name);
    if (edits) found.push(edits);
    else if (required) throw deviceMissing({ ...place, device: name });
  }
  if (found.length === 0) return undefined;
  const hooks: Record<string, DeviceEdits['hooks'][string]> = {};
  for (const edits of found) for (const [stage, list] of Object.entries(edits.hooks)) hooks[stage] = [...(hooks[stage] ?? []), ...list];
  return { env: found.flatMap(({ env }) => env), devices: found.flatMap((one) => one.devices), mounts: found.flatMap(({ mounts }) => mounts), hooks };
}

/** Something below the upper directory there must be, also on scratch. */
async function emptyLayer(temp: string): Promise<string> {
  const path = join(temp, 'empty');
  await mkdir(path, { recursive: true });
  return path;
}
