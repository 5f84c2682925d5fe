import { flagValue, isOn, readFlags } from '../dockerfile/flags.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { StageState } from '../plan/stageState.ts';
import { isRemote, parseRemote } from '../remote/remoteSource.ts';
import { commonFlags, copyOperation, readPaths } from './paths.ts';
import type { CommonFlags, PathArguments } from './paths.ts';

export interface AddInstruction extends PathArguments, CommonFlags {
  readonly kind: 'add';
  readonly at: Statement;
  readonly checksum?: Token;
  readonly keepGitDir: boolean;
  /** Absent: archives of the context are unpacked, downloaded ones are not. */
  readonly unpack?: boolean;
}

export function parseAdd(at: Statement): AddInstruction {
  const flags = readFlags(at, { chown: 'value', chmod: 'value', link: 'boolean', checksum: 'value', 'keep-git-dir': 'boolean', unpack: 'boolean', exclude: 'value' });
  const checksum = flagValue(flags, 'checksum');
  const asked = flags.all.some(({ name }) => name === 'unpack');
  return { kind: 'add', at, ...readPaths(at, flags.end), ...commonFlags(flags), keepGitDir: isOn(flags, 'keep-git-dir'), ...(checksum ? { checksum } : {}), ...(asked ? { unpack: isOn(flags, 'unpack') } : {}) };
}

/** Like COPY from the context, and archives are unpacked; URLs and Git repositories are fetched when the step is done. */
export function applyAdd(node: AddInstruction, stage: StageState): void {
  const { at } = node;
  const { sources, ...operation } = copyOperation(node, stage);
  const checksum = node.checksum && at.expand(node.checksum, stage.lookup);
  const remote = sources.filter(isRemote);
  if (checksum !== undefined && (remote.length !== 1 || sources.length > 1)) at.fail('checksum can be given for a single remote source only', node.checksum);
  if (node.checksum && checksum !== undefined) checkChecksum(at, node.checksum, checksum, remote[0] ?? '');
  const flags = { keepGitDir: node.keepGitDir, unpack: node.unpack ?? false, ...(checksum === undefined ? {} : { checksum }) };
  const shown = `ADD ${[...node.sources.map((word) => word.text), ...node.documents.map((document) => document.marker.text), node.dest.text].join(' ')}`;
  stage.step(at, shown, {
    kind: 'copy',
    ...operation,
    sources: sources.filter((source) => !isRemote(source)),
    ...(remote.length > 0 ? { remotes: remote.map((source) => parseRemote(source, flags)) } : {}),
    unpack: node.unpack ?? true,
  });
}

function checkChecksum(at: Statement, token: Token, checksum: string, source: string): void {
  const git = parseRemote(source, { keepGitDir: false, unpack: false }).kind === 'git';
  const fits = git ? /^(sha(1|256):)?[0-9a-f]{7,64}$/.test(checksum) : /^sha256:[0-9a-f]{64}$/.test(checksum);
  if (!fits) at.fail(`invalid checksum "${checksum}": it must be ${git ? 'a commit' : 'sha256: and 64 hexadecimal digits'}`, token);
}
