import type { Dockerfile, StageInstruction, StageNode } from '../dockerfile/ast.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { targetNotFound } from '../errors.ts';
import type { Place } from '../errors.ts';
import { GlobalArguments } from './globals.ts';
import type { PlanOptions } from './graph.ts';

/** Where a stage, or a COPY --from, takes its files from. */
export type Origin = { readonly kind: 'scratch' } | { readonly kind: 'stage'; readonly index: number } | { readonly kind: 'image'; readonly ref: string };

export interface OutlinedStage {
  readonly index: number;
  readonly label: string;
  readonly node: StageNode;
  readonly base: Origin;
}

/** What a Dockerfile needs for one target, before any image was looked at. */
export interface Outline {
  readonly stages: readonly OutlinedStage[];
  readonly globals: GlobalArguments;
  readonly target: number;
  /** The stages that the target needs, itself included. */
  readonly needed: ReadonlySet<number>;
  /** The images they need, and where each is first named. */
  readonly images: ReadonlyMap<string, Place>;
}

/** Finds the stages and images that the target needs. Pure. Throws BUILD_TARGET_NOT_FOUND, DOCKERFILE_SYNTAX, NOT_IMPLEMENTED. */
export function outlineBuild(dockerfile: Dockerfile, options: PlanOptions): Outline {
  const globals = new GlobalArguments(dockerfile.globals, options);
  const stages: OutlinedStage[] = [];
  for (const [index, node] of dockerfile.stages.entries()) stages.push({ index, node, label: node.from.name ?? String(index), base: baseOf(node, stages, globals, options) });
  const target = findTarget(stages, options.target);
  const needed = new Set<number>();
  const images = new Map<string, Place>();
  const visit = (stage: OutlinedStage): void => {
    if (needed.has(stage.index)) return;
    needed.add(stage.index);
    const require = (origin: Origin, at: Statement, token: Token): void => {
      const other = origin.kind === 'stage' ? stages[origin.index] : undefined;
      if (other) visit(other);
      if (origin.kind === 'image' && !images.has(origin.ref)) images.set(origin.ref, at.place(token.start));
    };
    require(stage.base, stage.node.from.at, stage.node.from.image);
    for (const node of stage.node.body) for (const token of sourcesOf(node)) require(findOrigin(token.text, stages, stage.index), node.at, token);
  };
  visit(target);
  return { stages, globals, target: target.index, needed, images };
}

/** The stages and images whose files an instruction reads. */
function sourcesOf(node: StageInstruction): Token[] {
  if (node.kind === 'copy') return node.from ? [node.from] : [];
  return node.kind === 'run' ? node.mounts.flatMap(({ from }) => from ?? []) : [];
}

/** What `--from=name` in stage number `before` means: an earlier stage by name or number, else an image. */
export function findOrigin(name: string, stages: readonly OutlinedStage[], before: number): Origin {
  const lower = name.toLowerCase();
  const byName = stages.findLast((stage) => stage.index < before && stage.node.from.name === lower);
  const index = byName?.index ?? (/^\d+$/.test(name) && Number(name) < before ? Number(name) : undefined);
  return index === undefined ? { kind: 'image', ref: name } : { kind: 'stage', index };
}

function baseOf(node: StageNode, stages: readonly OutlinedStage[], globals: GlobalArguments, options: PlanOptions): Origin {
  const { at, image, platform } = node.from;
  if (platform) checkPlatform(at, platform, globals, options);
  const ref = at.expand(image, globals.lookup);
  if (ref === '') return at.fail(`base name (${image.text}) should not be blank`, image);
  if (/\s/.test(ref)) return at.fail(`invalid reference format: "${ref}"`, image);
  if (ref === 'scratch') return { kind: 'scratch' };
  const stage = stages.findLast((earlier) => earlier.node.from.name === ref.toLowerCase());
  return stage ? { kind: 'stage', index: stage.index } : { kind: 'image', ref };
}

function checkPlatform(at: Statement, token: Token, globals: GlobalArguments, options: PlanOptions): void {
  const wanted = at.expand(token, globals.lookup);
  const { os, architecture, variant } = options.platform;
  const ours = [`${os}/${architecture}`, architecture, ...(variant ? [`${os}/${architecture}/${variant}`] : [])];
  if (!ours.includes(wanted)) at.unsupported(`building for the platform ${wanted} on ${os}/${architecture}`, token);
}

function findTarget(stages: readonly OutlinedStage[], target: string | undefined): OutlinedStage {
  const lower = target?.toLowerCase();
  const found = lower === undefined || lower === '' ? stages.at(-1) : (stages.findLast((stage) => stage.node.from.name === lower) ?? (/^\d+$/.test(lower) ? stages[Number(lower)] : undefined));
  if (!found) throw targetNotFound({ target: target ?? '', stages: stages.map((stage) => stage.label).join(', ') });
  return found;
}
