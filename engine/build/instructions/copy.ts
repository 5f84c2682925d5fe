import { flagValue, isOn, readFlags } from '../dockerfile/flags.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';
import { commonFlags, copyOperation, readPaths } from './paths.ts';
import type { CommonFlags, PathArguments } from './paths.ts';

export interface CopyInstruction extends PathArguments, CommonFlags {
  readonly kind: 'copy';
  readonly at: Statement;
  /** A stage's name or number, a named context, or an image. */
  readonly from?: Token;
  readonly parents: boolean;
}

export function parseCopy(at: Statement): CopyInstruction {
  // --link changes how a layer is made, not what is in it: accepted, nothing to do.
  const flags = readFlags(at, { from: 'value', chown: 'value', chmod: 'value', link: 'boolean', parents: 'boolean', exclude: 'value' });
  const from = flagValue(flags, 'from');
  if (from && (from.text === '' || from.text.includes('$'))) return at.fail(`invalid from flag value "${from.text}": it must be a stage or an image, variables are not replaced here`, from);
  return { kind: 'copy', at, ...readPaths(at, flags.end), ...commonFlags(flags), parents: isOn(flags, 'parents'), ...(from ? { from } : {}) };
}

export function applyCopy(node: CopyInstruction, stage: StageState): void {
  const operation = copyOperation(node, stage);
  const from = node.from && stage.scope.copySource(node.from, node.at, stage.index);
  const shown = `COPY ${[...node.sources.map((word) => word.text), ...node.documents.map((document) => document.marker.text), node.dest.text].join(' ')}`;
  stage.step(node.at, shown, { kind: 'copy', ...operation, ...(node.parents ? { parents: true } : {}), unpack: false, ...(from?.context === undefined ? {} : { context: from.context }) }, from?.step === undefined ? {} : { from: from.step });
}
