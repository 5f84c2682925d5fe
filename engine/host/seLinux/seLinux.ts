import { writeFile } from 'node:fs/promises';
import { defineError, systemCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { realHostView } from '../probeView.ts';
import type { HostView } from '../probeView.ts';
import { formatContext, parseContainerContexts, RESERVED_LEVEL } from './context.ts';
import type { ContainerContexts } from './context.ts';

export const contextUnknown = defineError<{ context: string }>(
  'SELINUX_CONTEXT_UNKNOWN',
  400,
  (p) => `The SELinux policy of the engine's host knows no context ${p.context} (--security-opt label=…): check user, role, type and level, or install the policy that has it (container-selinux).`,
);

export type SeLinuxHost = Pick<HostView, 'read' | 'exists'>;

const KERNEL = '/sys/fs/selinux';
const SETTINGS = '/etc/selinux/config';

export interface SeLinuxOptions {
  /** The engine is told to label containers. Else their processes have the engine's own label. */
  readonly wanted: boolean;
  readonly log: Log;
  readonly host?: SeLinuxHost;
  /** Whether the policy knows a context. */
  readonly knows?: (context: string) => Promise<boolean>;
}

/** What SELinux has for containers here. */
export class SeLinux {
  /** Of processes and files; absent: containers are not labelled. */
  readonly contexts: ContainerContexts | undefined;
  readonly #knows: (context: string) => Promise<boolean>;

  static async open({ wanted, log, host = realHostView(), knows = policyKnows }: SeLinuxOptions): Promise<SeLinux> {
    if (!wanted) return new SeLinux(undefined, knows);
    const contexts = await readContexts(host);
    const usable = contexts && (await allOf([contexts.process, contexts.file, contexts.readOnly].map((context) => knows(formatContext(context)))));
    if (!usable) log.warn('containers get no SELinux labels: the kernel has no SELinux, or its policy knows no containers (container-selinux)', {});
    return new SeLinux(usable ? contexts : undefined, knows);
  }

  private constructor(contexts: SeLinux['contexts'], knows: (context: string) => Promise<boolean>) {
    this.contexts = contexts;
    this.#knows = knows;
  }

  get enabled(): boolean {
    return this.contexts !== undefined;
  }

  /** Throws SELINUX_CONTEXT_UNKNOWN. */
  async check(...contexts: readonly string[]): Promise<void> {
    for (const context of contexts) if (!(await this.#knows(context))) throw contextUnknown({ context });
  }

  /** The label of a container's files when its processes have none: confined ones may not touch them. */
  get privateFiles(): string {
    return this.contexts ? formatContext({ ...this.contexts.file, level: RESERVED_LEVEL }) : '';
  }
}

async function allOf(answers: ReadonlyArray<Promise<boolean>>): Promise<boolean> {
  return (await Promise.all(answers)).every(Boolean);
}

/** The kernel's part is there and the policy's files say what containers are. */
export async function readContexts(host: SeLinuxHost): Promise<SeLinux['contexts']> {
  if (!host.exists(`${KERNEL}/enforce`)) return undefined;
  const policy = /^\s*SELINUXTYPE\s*=\s*(\S+)/m.exec((await host.read(SETTINGS)) ?? '')?.[1] ?? 'targeted';
  return parseContainerContexts((await host.read(`/etc/selinux/${policy}/contexts/lxc_contexts`)) ?? '');
}

/** The kernel says so itself: it takes a context that is one. */
async function policyKnows(context: string): Promise<boolean> {
  try {
    await writeFile(`${KERNEL}/context`, `${context}\0`, { flag: 'r+' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EINVAL') return false;
    throw error;
  }
}
