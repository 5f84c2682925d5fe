/** A Node that can run the engine: the program, and what its environment needs beside the usual. */
export interface NodeChoice {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface NodeFacts {
  /** `berth.node.path`; empty: choose. */
  readonly setting: string;
  /** The program that runs the extension host: Electron on a desktop, Node in a server. */
  readonly execPath: string;
  /** Whether that program's Node has zstd. */
  readonly execHasZstd: boolean;
  /** Whether a program is a Node with zstd, and which version it says it has; undefined: cannot be run. */
  probe(program: string): Promise<NodeProbe | undefined>;
}

export interface NodeProbe {
  readonly version: string;
  readonly zstd: boolean;
}

/** No Node with zstd: `program` is the one that was asked for or found, `version` what it is (empty: not there). */
export class NodeUnusable extends Error {
  override readonly name = 'NodeUnusable';
  readonly program: string;
  readonly version: string;
  readonly bySetting: boolean;

  constructor(program: string, version: string, bySetting: boolean) {
    super(`${program} ${version === '' ? 'cannot be run' : `is Node ${version}, without zstd`}`);
    this.program = program;
    this.version = version;
    this.bySetting = bySetting;
  }
}

/** The setting's Node; else the editor's own, if it has zstd; else `node` on PATH (22.15 or later has it). */
export async function findNode(facts: NodeFacts): Promise<NodeChoice> {
  const asked = facts.setting.trim();
  if (asked === '' && facts.execHasZstd) return { program: facts.execPath, env: { ELECTRON_RUN_AS_NODE: '1' } };
  const program = asked === '' ? 'node' : asked;
  const found = await facts.probe(program);
  if (!found?.zstd) throw new NodeUnusable(program, found?.version ?? '', asked !== '');
  return { program, env: {} };
}
