import type { AddInstruction } from '../instructions/add.ts';
import type { ArgInstruction } from '../instructions/arg.ts';
import type { CmdInstruction } from '../instructions/cmd.ts';
import type { CopyInstruction } from '../instructions/copy.ts';
import type { EntrypointInstruction } from '../instructions/entrypoint.ts';
import type { EnvInstruction } from '../instructions/env.ts';
import type { ExposeInstruction } from '../instructions/expose.ts';
import type { FromInstruction } from '../instructions/from.ts';
import type { HealthcheckInstruction } from '../instructions/healthcheck.ts';
import type { LabelInstruction } from '../instructions/label.ts';
import type { MaintainerInstruction } from '../instructions/maintainer.ts';
import type { OnbuildInstruction } from '../instructions/onbuild.ts';
import type { RunInstruction } from '../instructions/run.ts';
import type { ShellInstruction } from '../instructions/shell.ts';
import type { StopsignalInstruction } from '../instructions/stopsignal.ts';
import type { UserInstruction } from '../instructions/user.ts';
import type { VolumeInstruction } from '../instructions/volume.ts';
import type { WorkdirInstruction } from '../instructions/workdir.ts';
import type { Directives } from './directives.ts';

/** What may stand within a stage. */
export type StageInstruction =
  | AddInstruction
  | ArgInstruction
  | CmdInstruction
  | CopyInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction;

export type Instruction = StageInstruction | FromInstruction;

export interface StageNode {
  readonly from: FromInstruction;
  readonly body: readonly StageInstruction[];
}

/** A parsed Dockerfile. `globals` are the ARGs before the first FROM. */
export interface Dockerfile {
  readonly file: string;
  readonly directives: Directives;
  readonly globals: readonly ArgInstruction[];
  readonly stages: readonly StageNode[];
  /** Lines that are blank within a continued instruction: the first of each instruction. */
  readonly blankLines: readonly number[];
}
