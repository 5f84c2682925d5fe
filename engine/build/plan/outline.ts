import type { Dockerfile, Instruction, StageInstruction, StageNode } from '../dockerfile/ast.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { targetNotFound } from '../errors.ts';
import { triggerStatement } from '../instructions/onbuild.ts';
import { parseInstruction } from '../instructions/table.ts';
import type { Place } from '../errors.ts';
import { formatPlatform, parsePlatform } from '../../base/platform.ts';
import { contextName } from './contextName.ts';
import { GlobalArguments } from './globals.ts';
import type { BuildPlatform, PlanOptions } from './graph.ts';

/** Where a stage, or a COPY --from, takes its files from. An image's `key` is its place in the outline's images; a context is a named one of files. */
export type Origin =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'image'; readonly key: string; readonly image: Omit<NeededImage, 'place'> }
  | { readonly kind: 'context'; readonly name: string };

/** An image that a build starts from or copies from. */
export interface NeededImage {
  readonly ref: string;
  /** What it must be for; absent: nothing was asked for, and what is here will do. */
  readonly platform?: BuildPlatform;
  /** Where it is first named. */
  readonly place: Place;
}

export interface OutlinedStage {
  readonly index: number;
  readonly label: string;
  readonly node: StageNode;
  readonly base: Origin;
  /** None when a named context stands in for the stage. */
  readonly body: readonly StageInstruction[];
  /** What its programs are for. */
  readonly platform: BuildPlatform;
}

/** What a Dockerfile needs for one target, before any image was looked at. */
export interface Outline {
  readonly stages: readonly OutlinedStage[];
  readonly globals: GlobalArguments;
  readonly target: number;
  /** The stages that the target needs, itself included. */
  readonly needed: ReadonlySet<number>;
  /** The images they need: by name where any platform will do, else by name and platform. */
  readonly images: ReadonlyMap<string, NeededImage>;
  /** The named contexts of files that they need. */
  readonly contexts: ReadonlySet<string>;
}

/**
 * Finds the stages and images that the target needs. Pure. `triggers`: the ONBUILD of images, by their key in the outline, as far as the images
 * are known: they may need more. Throws BUILD_TARGET_NOT_FOUND, DOCKERFILE_SYNTAX, NOT_IMPLEMENTED.
 */
export function outlineBuild(dockerfile: Dockerfile, options: PlanOptions, triggers: ReadonlyMap<string, readonly string[]> = new Map()): Outline {
  const globals = new GlobalArguments(dockerfile.globals, options);
  const stages: OutlinedStage[] = [];
  for (const [index, node] of dockerfile.stages.entries()) stages.push({ index, node, label: node.from.name ?? String(index), ...stageOf(node, stages, globals, options) });
  const target = findTarget(stages, options.target);
  const needed = new Set<number>();
  const images = new Map<string, NeededImage>();
  const contexts = new Set<string>();
  const visit = (stage: OutlinedStage): void => {
    if (needed.has(stage.index)) return;
    needed.add(stage.index);
    const require = (origin: Origin, at: Statement, token: Token): void => {
      const other = origin.kind === 'stage' ? stages[origin.index] : undefined;
      if (other) visit(other);
      if (origin.kind === 'context') contexts.add(origin.name);
      if (origin.kind === 'image' && !images.has(origin.key)) images.set(origin.key, { ...origin.image, place: at.place(token.start) });
    };
    require(stage.base, stage.node.from.at, stage.node.from.image);
    const inherited = stage.base.kind === 'image' ? (triggers.get(stage.base.key) ?? []).map((trigger) => parseInstruction(triggerStatement(stage.node.from.at, trigger))) : [];
    for (const node of [...inherited, ...stage.body]) for (const token of sourcesOf(node)) require(findOrigin(token.text, stages, stage.index, options), node.at, token);
  };
  visit(target);
  return { stages, globals, target: target.index, needed, images, contexts };
}

/** The stages and images whose files an instruction reads. */
function sourcesOf(node: Instruction): Token[] {
  if (node.kind === 'copy') return node.from ? [node.from] : [];
  return node.kind === 'run' ? node.mounts.flatMap(({ from }) => from ?? []) : [];
}

/** What `--from=name` in stage number `before` means: an earlier stage by name or number, else a named context, else an image. */
export function findOrigin(name: string, stages: readonly OutlinedStage[], before: number, options: PlanOptions): Origin {
  const lower = name.toLowerCase();
  const byName = stages.findLast((stage) => stage.index < before && stage.node.from.name === lower);
  const index = byName?.index ?? (/^\d+$/.test(name) && Number(name) < before ? Number(name) : undefined);
  if (index !== undefined) return { kind: 'stage', index };
  return name === 'scratch' ? { kind: 'scratch' } : outside(name, undefined, options);
}

/** A stage, unless a named context stands in for it: then that is all there is of it. */
function stageOf(node: StageNode, stages: readonly OutlinedStage[], globals: GlobalArguments, options: PlanOptions): Pick<OutlinedStage, 'base' | 'body' | 'platform'> {
  const { at, image, name } = node.from;
  const asked = platformOf(node, globals);
  const platform = asked ?? options.platform;
  const instead = name === undefined ? undefined : named(name, asked, options);
  if (instead) return { base: instead, body: [], platform };
  const { body } = node;
  const ref = at.expand(image, globals.lookup);
  if (ref === '') return at.fail(`base name (${image.text}) should not be blank`, image);
  if (/\s/.test(ref)) return at.fail(`invalid reference format: "${ref}"`, image);
  if (ref === 'scratch') return { base: { kind: 'scratch' }, body, platform };
  const stage = stages.findLast((earlier) => earlier.node.from.name === ref.toLowerCase());
  if (stage) return { base: { kind: 'stage', index: stage.index }, body, platform: stage.platform };
  return { base: outside(ref, asked, options), body, platform };
}

function outside(ref: string, asked: BuildPlatform | undefined, options: PlanOptions): Origin {
  return named(ref, asked, options) ?? imageOrigin(ref, asked, options);
}

/** The named context that is called so. */
function named(name: string, asked: BuildPlatform | undefined, options: PlanOptions): Origin | undefined {
  const plain = contextName(name);
  const meaning = options.contexts?.get(plain);
  if (!meaning) return undefined;
  return meaning.kind === 'files' ? { kind: 'context', name: plain } : imageOrigin(meaning.ref, asked, options);
}

function imageOrigin(ref: string, asked: BuildPlatform | undefined, options: PlanOptions): Origin {
  const platform = asked ?? (options.platformAsked === true ? options.platform : undefined);
  return { kind: 'image', key: platform ? `${ref} for ${formatPlatform(platform)}` : ref, image: { ref, ...(platform ? { platform } : {}) } };
}

/** What `FROM --platform` asks for. */
function platformOf({ from: { at, platform } }: StageNode, globals: GlobalArguments): BuildPlatform | undefined {
  if (!platform) return undefined;
  const text = at.expand(platform, globals.lookup);
  return parsePlatform(text) ?? at.fail(`failed to parse platform ${text}: it must be one such as linux/arm64`, platform);
}

function findTarget(stages: readonly OutlinedStage[], target: string | undefined): OutlinedStage {
  const lower = target?.toLowerCase();
  const found = lower === undefined || lower === '' ? stages.at(-1) : (stages.findLast((stage) => stage.node.from.name === lower) ?? (/^\d+$/.test(lower) ? stages[Number(lower)] : undefined));
  if (!found) throw targetNotFound({ target: target ?? '', stages: stages.map((stage) => stage.label).join(', ') });
  return found;
}
