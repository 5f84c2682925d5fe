import { readFlags } from '../dockerfile/flags.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';
import { commonFlags, copyOperation, readPaths } from './paths.ts';
import type { CommonFlags, PathArguments } from './paths.ts';

export interface AddInstruction extends PathArguments, CommonFlags {
  readonly kind: 'add';
  readonly at: Statement;
}

const REMOTE = /^(https?:\/\/|ftp:\/\/|git@|git:\/\/|ssh:\/\/)/i;

export function parseAdd(at: Statement): AddInstruction {
  const flags = readFlags(at, { chown: 'value', chmod: 'value', link: 'boolean', checksum: 'unsupported', 'keep-git-dir': 'unsupported', unpack: 'unsupported', exclude: 'unsupported' });
  const paths = readPaths(at, flags.end);
  const remote = paths.sources.find((word) => REMOTE.test(word.text));
  if (remote) return at.unsupported('ADD from a URL or a Git repository', remote);
  return { kind: 'add', at, ...paths, ...commonFlags(flags) };
}

/** Like COPY from the context, and archives are unpacked. */
export function applyAdd(node: AddInstruction, stage: StageState): void {
  const operation = copyOperation(node, stage);
  if (operation.sources.some((source) => REMOTE.test(source))) node.at.unsupported('ADD from a URL or a Git repository', node.sources[0]);
  const shown = `ADD ${[...node.sources.map((word) => word.text), ...node.documents.map((document) => document.marker.text), node.dest.text].join(' ')}`;
  stage.step(node.at, shown, { kind: 'copy', ...operation, unpack: true });
}
