import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';

export interface MaintainerInstruction {
  readonly kind: 'maintainer';
  readonly at: Statement;
  readonly name: string;
}

export function parseMaintainer(at: Statement): MaintainerInstruction {
  return { kind: 'maintainer', at, name: at.args };
}

export function applyMaintainer(node: MaintainerInstruction, stage: StageState): void {
  stage.author = node.name;
  stage.note(node.at, `MAINTAINER ${node.name}`);
}
