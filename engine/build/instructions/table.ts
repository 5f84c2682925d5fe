import type { Instruction, StageInstruction } from '../dockerfile/ast.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';
import { applyAdd, parseAdd } from './add.ts';
import { applyArg, parseArg } from './arg.ts';
import { applyCmd, parseCmd } from './cmd.ts';
import { applyCopy, parseCopy } from './copy.ts';
import { applyEntrypoint, parseEntrypoint } from './entrypoint.ts';
import { applyEnv, parseEnv } from './env.ts';
import { applyExpose, parseExpose } from './expose.ts';
import { parseFrom } from './from.ts';
import { applyHealthcheck, parseHealthcheck } from './healthcheck.ts';
import { applyLabel, parseLabel } from './label.ts';
import { applyMaintainer, parseMaintainer } from './maintainer.ts';
import { applyOnbuild, parseOnbuild } from './onbuild.ts';
import { applyRun, parseRun } from './run.ts';
import { applyShell, parseShell } from './shell.ts';
import { applyStopsignal, parseStopsignal } from './stopsignal.ts';
import { applyUser, parseUser } from './user.ts';
import { applyVolume, parseVolume } from './volume.ts';
import { applyWorkdir, parseWorkdir } from './workdir.ts';

/** Every instruction of the language. One that is missing here does not exist. */
const parsers: ReadonlyMap<string, (at: Statement) => Instruction> = new Map<string, (at: Statement) => Instruction>([
  ['ADD', parseAdd],
  ['ARG', parseArg],
  ['CMD', parseCmd],
  ['COPY', parseCopy],
  ['ENTRYPOINT', parseEntrypoint],
  ['ENV', parseEnv],
  ['EXPOSE', parseExpose],
  ['FROM', parseFrom],
  ['HEALTHCHECK', parseHealthcheck],
  ['LABEL', parseLabel],
  ['MAINTAINER', parseMaintainer],
  ['ONBUILD', parseOnbuild],
  ['RUN', parseRun],
  ['SHELL', parseShell],
  ['STOPSIGNAL', parseStopsignal],
  ['USER', parseUser],
  ['VOLUME', parseVolume],
  ['WORKDIR', parseWorkdir],
]);

/** Parses one instruction. Throws DOCKERFILE_SYNTAX or NOT_IMPLEMENTED. */
export function parseInstruction(at: Statement): Instruction {
  const parse = parsers.get(at.keyword);
  if (!parse) return at.fail(`unknown instruction: ${at.keyword}`, at.token(0, /^\S*/.exec(at.source.text)?.[0].length ?? 0));
  if (at.args === '') return at.fail(`${at.keyword} requires at least one argument`);
  return parse(at);
}

/** Lets one instruction change the stage it stands in. Pure. */
export function applyInstruction(node: StageInstruction, stage: StageState): void {
  switch (node.kind) {
    case 'add': return applyAdd(node, stage);
    case 'arg': return applyArg(node, stage);
    case 'cmd': return applyCmd(node, stage);
    case 'copy': return applyCopy(node, stage);
    case 'entrypoint': return applyEntrypoint(node, stage);
    case 'env': return applyEnv(node, stage);
    case 'expose': return applyExpose(node, stage);
    case 'healthcheck': return applyHealthcheck(node, stage);
    case 'label': return applyLabel(node, stage);
    case 'maintainer': return applyMaintainer(node, stage);
    case 'onbuild': return applyOnbuild(node, stage);
    case 'run': return applyRun(node, stage);
    case 'shell': return applyShell(node, stage);
    case 'stopsignal': return applyStopsignal(node, stage);
    case 'user': return applyUser(node, stage);
    case 'volume': return applyVolume(node, stage);
    case 'workdir': return applyWorkdir(node, stage);
  }
}
