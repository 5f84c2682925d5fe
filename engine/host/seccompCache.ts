import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OciRuntime } from './ociRuntime.ts';
import type { OciSpec } from './ociTypes.ts';

/** crun's annotation for a filter that is compiled already; a runtime that does not know it compiles the profile that is still there. */
const ANNOTATION = 'run.oci.seccomp_bpf_data';
const INSTRUCTION = 8;

/**
 * Compiling the default profile takes crun longer than all the rest of a start (13 of 25 ms measured), and the result is always the
 * same. So what it compiled for one container is given to the next with the same profile. Kept in memory only: it cannot outlive a
 * change of kernel or libseccomp unnoticed for longer than an engine runs.
 */
export class SeccompCache {
  readonly #compiled = new Map<string, string>();

  /** The specification with the compiled filter, if there is one for its profile. */
  apply(spec: OciSpec): OciSpec {
    const compiled = spec.linux.seccomp && this.#compiled.get(keyOf(spec));
    return compiled ? { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: compiled } } : spec;
  }

  /** Keeps what the runtime has compiled for a container that it has just created. */
  async learn(runtime: OciRuntime, id: string, spec: OciSpec): Promise<void> {
    if (runtime.name !== 'crun' || !spec.linux.seccomp || this.#compiled.has(keyOf(spec))) return;
    const filter = await readFile(join(runtime.root, id, 'seccomp.bpf')).catch(() => undefined);
    if (filter && filter.length > 0 && filter.length % INSTRUCTION === 0) this.#compiled.set(keyOf(spec), filter.toString('base64'));
  }
}

function keyOf({ linux }: OciSpec): string {
  return createHash('sha256').update(JSON.stringify(linux.seccomp)).digest('base64');
}
