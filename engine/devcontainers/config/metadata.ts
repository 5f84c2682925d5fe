import { parseBytes } from '../../api/docker/run/quantities.ts';
import { metadataEntrySchema } from './schema.ts';
import type { DevContainerConfig, Hook, MetadataEntry, MountEntry, PortAttributes, UserEnvProbe } from './schema.ts';

export const metadataLabel = 'devcontainer.metadata';
export const stages = ['onCreateCommand', 'updateContentCommand', 'postCreateCommand', 'postStartCommand', 'postAttachCommand'] as const;
export type Stage = (typeof stages)[number];

/** `'image'`: the image's label; else the index in devcontainer.json's own list, or 0. */
export type Origin = 'image' | number;

export interface Sourced<T> {
  readonly value: T;
  readonly origin: Origin;
}

/** devcontainer.json together with what the image's label says. */
export interface MergedConfig {
  readonly init: boolean;
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly securityOpt: readonly string[];
  readonly mounts: ReadonlyArray<Sourced<MountEntry>>;
  readonly forwardPorts: ReadonlyArray<Sourced<number | string>>;
  readonly containerEnv: Readonly<Record<string, string>>;
  readonly remoteEnv: Readonly<Record<string, string | null>>;
  readonly containerUser: string | undefined;
  readonly remoteUser: string | undefined;
  readonly updateRemoteUserUID: boolean;
  readonly userEnvProbe: UserEnvProbe;
  readonly overrideCommand: boolean;
  readonly shutdownAction: string | undefined;
  readonly waitFor: NonNullable<MetadataEntry['waitFor']>;
  readonly entrypoints: readonly string[];
  readonly hooks: Readonly<Record<Stage, ReadonlyArray<Sourced<Hook>>>>;
  readonly customizations: Readonly<Record<string, readonly unknown[]>>;
  readonly portsAttributes: Readonly<Record<string, PortAttributes>>;
  readonly otherPortsAttributes: PortAttributes | undefined;
  readonly hostRequirements: Readonly<Record<string, unknown>> | undefined;
}

/** The entries of an image's `devcontainer.metadata` label (an array or one object), unsubstituted; what is not that is left out. */
export function parseMetadataLabel(label: string | undefined): { entries: MetadataEntry[]; warnings: string[] } {
  if (label === undefined || label.trim() === '') return { entries: [], warnings: [] };
  let value: unknown;
  try {
    value = JSON.parse(label);
  } catch {
    return { entries: [], warnings: [`the image's label ${metadataLabel} is not valid JSON and has no effect`] };
  }
  const entries: MetadataEntry[] = [];
  const warnings: string[] = [];
  for (const [index, one] of (Array.isArray(value) ? (value as unknown[]) : [value]).entries()) {
    const parsed = metadataEntrySchema.safeParse(one);
    if (parsed.success) entries.push(parsed.data);
    else warnings.push(`entry ${index} of the image's label ${metadataLabel} has no effect: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`);
  }
  return { entries, warnings };
}

/** Merges the image's entries, in order, and devcontainer.json last, by the rules of each property. Pure. */
export function mergeMetadata(image: readonly MetadataEntry[], config: DevContainerConfig): MergedConfig {
  const all: readonly MetadataEntry[] = [...image, config];
  const last = <K extends keyof MetadataEntry>(key: K): MetadataEntry[K] | undefined => all.findLast((entry) => entry[key] !== undefined)?.[key];
  return {
    init: all.some((entry) => entry.init === true),
    privileged: all.some((entry) => entry.privileged === true),
    capAdd: union(all.map((entry) => entry.capAdd)),
    securityOpt: union(all.map((entry) => entry.securityOpt)),
    mounts: lastPerTarget([...fromImage(image, 'mounts'), ...own(config.mounts)]),
    forwardPorts: firstOfEach([...fromImage(image, 'forwardPorts'), ...own(config.forwardPorts)]),
    containerEnv: Object.assign({}, ...all.map((entry) => entry.containerEnv ?? {})) as Record<string, string>,
    remoteEnv: Object.assign({}, ...all.map((entry) => entry.remoteEnv ?? {})) as Record<string, string | null>,
    containerUser: last('containerUser'),
    remoteUser: last('remoteUser'),
    updateRemoteUserUID: last('updateRemoteUserUID') ?? true,
    userEnvProbe: last('userEnvProbe') ?? 'loginInteractiveShell',
    overrideCommand: last('overrideCommand') ?? true,
    shutdownAction: last('shutdownAction'),
    waitFor: last('waitFor') ?? 'updateContentCommand',
    entrypoints: image.flatMap((entry) => (entry.entrypoint === undefined ? [] : [entry.entrypoint])),
    hooks: Object.fromEntries(stages.map((stage) => [stage, collectHooks(image, config, stage)])) as Record<Stage, Array<Sourced<Hook>>>,
    customizations: collectCustomizations(all),
    portsAttributes: Object.assign({}, ...all.map((entry) => entry.portsAttributes ?? {})) as Record<string, PortAttributes>,
    otherPortsAttributes: last('otherPortsAttributes'),
    hostRequirements: largestRequirements(all.flatMap((entry) => (entry.hostRequirements ? [entry.hostRequirements] : []))),
  };
}

function union(lists: ReadonlyArray<readonly string[] | undefined>): string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

function fromImage<K extends 'mounts' | 'forwardPorts'>(image: readonly MetadataEntry[], key: K): Array<Sourced<NonNullable<MetadataEntry[K]>[number]>> {
  return image.flatMap((entry) => (entry[key] ?? []).map((value) => ({ value, origin: 'image' as const })));
}

function own<T>(list: readonly T[] | undefined): Array<Sourced<T>> {
  return (list ?? []).map((value, origin) => ({ value, origin }));
}

/** A later mount takes the place of an earlier one with the same target. */
function lastPerTarget(mounts: ReadonlyArray<Sourced<MountEntry>>): Array<Sourced<MountEntry>> {
  return mounts.filter((mount, index) => !mounts.slice(index + 1).some((later) => targetOf(later.value) !== '' && targetOf(later.value) === targetOf(mount.value)));
}

function targetOf(mount: MountEntry): string {
  if (typeof mount !== 'string') return mount.target;
  return /(?:^|,)(?:target|destination|dst)=([^,]*)/.exec(mount)?.[1] ?? '';
}

function firstOfEach<T>(list: ReadonlyArray<Sourced<T>>): Array<Sourced<T>> {
  return list.filter((one, index) => list.findIndex((other) => other.value === one.value) === index);
}

function collectHooks(image: readonly MetadataEntry[], config: DevContainerConfig, stage: Stage): Array<Sourced<Hook>> {
  const hooks: Array<Sourced<Hook>> = image.flatMap((entry) => (entry[stage] === undefined ? [] : [{ value: entry[stage], origin: 'image' as const }]));
  return config[stage] === undefined ? hooks : [...hooks, { value: config[stage], origin: 0 }];
}

function collectCustomizations(all: readonly MetadataEntry[]): Record<string, unknown[]> {
  const collected: Record<string, unknown[]> = {};
  for (const entry of all) for (const [tool, value] of Object.entries(entry.customizations ?? {})) (collected[tool] ??= []).push(value);
  return collected;
}

function largestRequirements(all: ReadonlyArray<Record<string, unknown>>): Record<string, unknown> | undefined {
  if (all.length === 0) return undefined;
  const merged: Record<string, unknown> = {};
  for (const [key, value] of all.flatMap((one) => Object.entries(one))) {
    const before = merged[key];
    merged[key] = before === undefined || size(value) > size(before) ? value : before;
  }
  return merged;
}

/** To compare two requirements: numbers, sizes, and for gpu false < "optional" < true < details. */
function size(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 2 : 0;
  if (value === 'optional') return 1;
  if (typeof value === 'string') return parseBytes(value) ?? 0;
  return typeof value === 'object' && value !== null ? 3 : 0;
}
