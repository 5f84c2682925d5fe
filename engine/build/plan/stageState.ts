import type { History, RunConfig } from '../../content/oci.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { Lookup } from '../dockerfile/expand.ts';
import type { Place } from '../errors.ts';
import type { BuildNetwork, BuildPlatform, CommandSettings, Op, PlannedHistory } from './graph.ts';

/** Other steps that one needs. */
export interface StepInputs {
  /** Whose files a COPY takes. */
  readonly from?: string;
  /** Whose files the mounts of a RUN show. */
  readonly mounts?: ReadonlyArray<string | undefined>;
}

/** A step whose files are read, or the named context. */
export type CopySource = { readonly step: string; readonly context?: undefined } | { readonly context: string; readonly step?: undefined };

/** What a stage asks of the plan it is part of. */
export interface StageScope {
  readonly network: BuildNetwork;
  readonly settings: CommandSettings | undefined;
  readonly allowsInsecure: boolean;
  readonly allowsDevices: boolean;
  argument(name: string, fallback: string | undefined): string | undefined;
  ambient(): string[];
  /** Whose files `COPY --from=token` in stage number `stage` reads. */
  copySource(token: Token, at: Statement, stage: number): CopySource;
  foreign(platform: BuildPlatform): BuildPlatform | undefined;
  addStep(step: StepInputs & { op: Op; parent: string; at: Statement }): string;
  announce(at: Statement, stage: number, step?: string): void;
  /** Hears of a variable that a stage uses and that nothing has set; `known`: those that are set. */
  missing(name: string, place: Place, stage: number, known: readonly string[]): void;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A stage while its instructions are applied one after the other. */
export class StageState {
  readonly scope: StageScope;
  readonly index: number;
  /** What its programs are for. */
  readonly platform: BuildPlatform;
  /** Without `Env`, which is in `env`. */
  config: RunConfig;
  readonly env: Map<string, string>;
  /** Those with a value. */
  readonly args: Map<string, string>;
  /** Names of all ARGs, also without a value. */
  readonly declared: Set<string>;
  readonly history: PlannedHistory[];
  readonly baseHistory: readonly History[];
  author: string | undefined;
  cmdSet = false;
  /** The step that made the file system so far. */
  head: string;

  constructor(scope: StageScope, index: number, from: { config: RunConfig; head: string; platform: BuildPlatform; args?: ReadonlyMap<string, string>; declared?: ReadonlySet<string>; history?: readonly PlannedHistory[]; baseHistory: readonly History[]; author: string | undefined }) {
    this.scope = scope;
    this.index = index;
    this.platform = from.platform;
    const { Env: env, ...config } = from.config;
    this.config = structuredClone(config);
    const entries = (env ?? []).map((entry) => splitEntry(entry));
    this.env = new Map(entries.some(([name]) => name === 'PATH') ? entries : [['PATH', DEFAULT_PATH], ...entries]);
    this.args = new Map(from.args);
    this.declared = new Set(from.declared);
    this.history = [...(from.history ?? [])];
    this.baseHistory = from.baseHistory;
    this.author = from.author;
    this.head = from.head;
  }

  get shell(): readonly string[] {
    const shell = this.config.Shell;
    return shell && shell.length > 0 ? shell : ['/bin/sh', '-c'];
  }

  /** A variable as the Dockerfile sees it: ENV wins over ARG. */
  readonly lookup: Lookup = Object.assign((name: string) => this.env.get(name) ?? this.args.get(name), {
    onMissing: (name: string, place: Place) => {
      if (!this.declared.has(name)) this.scope.missing(name, place, this.index, [...this.env.keys(), ...this.declared]);
    },
  });

  /** `NAME=value`; PATH is always among them. */
  environment(): string[] {
    return [...this.env].map(([name, value]) => `${name}=${value}`);
  }

  /** The configuration of an image made of this stage. */
  imageConfig(): RunConfig {
    return { ...this.config, Env: this.environment() };
  }

  /** An instruction that changes files. */
  step(at: Statement, createdBy: string, op: Op, inputs: StepInputs = {}): void {
    this.head = this.scope.addStep({ op, parent: this.head, at, ...inputs });
    this.history.push({ createdBy, step: this.head });
    this.scope.announce(at, this.index, this.head);
  }

  /** An instruction that only changes the configuration. */
  note(at: Statement, createdBy: string): void {
    this.history.push({ createdBy });
    this.scope.announce(at, this.index);
  }
}

function splitEntry(entry: string): readonly [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
