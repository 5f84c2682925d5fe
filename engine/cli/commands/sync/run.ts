import { runSync } from '../../../remote/sync/background.ts';
import type { SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { SyncStatus } from '../../../remote/sync/syncSession.ts';
import type { CliContext } from '../../context.ts';
import { findRecord, obtainRecord } from './target.ts';
import type { SyncOptions } from './target.ts';

interface RunTarget {
  readonly local: string | undefined;
  readonly remote: string | undefined;
  readonly options: SyncOptions & { readonly id?: string };
}

/** `berth sync run`: until Ctrl+C. */
export async function runForeground(context: CliContext, records: SyncRecords, { local, remote, options }: RunTarget): Promise<void> {
  const record = options.id === undefined ? await obtainRecord(context, records, { local: local ?? '.', remote, options }) : await findRecord(context, records, options.id);
  const told = new Teller(context.stderr);
  await runSync(records, record, { engine: () => context.engine(), signal: context.signal, onStatus: (status) => told.tell(status, record.local) });
}

/** Says what is new in a status, and nothing twice. */
class Teller {
  readonly #out: NodeJS.WritableStream;
  #state = '';
  #conflicts = 0;
  readonly #problems = new Set<string>();

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
  }

  tell(status: SyncStatus, local: string): void {
    const state = this.#words(status, local);
    if (state !== undefined && state !== this.#state) this.#out.write(`${(this.#state = state)}\n`);
    for (const { path, copy } of status.conflicts.slice(this.#conflicts)) this.#out.write(`conflict: both sides changed ${path}; the host's version is ${copy}\n`);
    this.#conflicts = status.conflicts.length;
    for (const { path, side, detail } of status.problems) {
      const text = `not synced: ${path} (${side}): ${detail}\n`;
      if (!this.#problems.has(text)) this.#out.write(text);
      this.#problems.add(text);
    }
  }

  #words({ state, detail, remote }: SyncStatus, local: string): string | undefined {
    if (state === 'watching') return `in sync: ${local} and ${remote ?? 'the host'}`;
    if (state === 'disconnected') return `the connection is lost; trying again: ${detail ?? ''}`;
    if (state === 'halted') return `halted: ${detail ?? ''}`;
    return detail;
  }
}
