import { readJsonWords } from '../dockerfile/command.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';
import type { StageState } from '../plan/stageState.ts';

export interface VolumeInstruction {
  readonly kind: 'volume';
  readonly at: Statement;
  readonly paths: readonly Token[];
}

export function parseVolume(at: Statement): VolumeInstruction {
  const whole = at.token(at.argsAt, at.source.text.length);
  const list = readJsonWords(at, at.argsAt)?.map((text) => ({ ...whole, text }));
  const paths = list ?? plainWords(at);
  if (paths.length === 0 || paths.some((path) => path.text.trim() === '')) return at.fail('VOLUME specified can not be an empty string', whole);
  return { kind: 'volume', at, paths };
}

export function applyVolume(node: VolumeInstruction, stage: StageState): void {
  const paths = node.paths.map((path) => node.at.expand(path, stage.lookup));
  if (paths.includes('')) node.at.fail('VOLUME specified can not be an empty string');
  stage.config.Volumes = { ...stage.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  stage.note(node.at, `VOLUME ${JSON.stringify(paths)}`);
}
