import { treeSize } from '../snapshots/treeSize.ts';
import type { Container } from './container.ts';
import { invalidConfig } from './errors.ts';
import { checkFilters, hasLabel } from './listing.ts';
import type { Filters } from './listing.ts';
import type { ContainerParts } from './parts.ts';

/** Removes containers that do not run and that the filters accept; tells their ids and the bytes they held. */
export async function pruneContainers({ store }: Pick<ContainerParts, 'store'>, filters: Filters, remove: (id: string) => Promise<void>): Promise<{ readonly removed: string[]; readonly bytes: number }> {
  checkFilters(filters, ['label', 'label!', 'until']);
  const limit = before(filters['until']?.[0]);
  const doomed = store.list().filter((container) => ['created', 'exited', 'dead'].includes(container.state.status) && accepted(container, filters, limit));
  const removed: string[] = [];
  let bytes = 0;
  for (const container of doomed) {
    bytes += await treeSize(container.paths.upper);
    await remove(container.id);
    removed.push(container.id);
  }
  return { removed, bytes };
}

function accepted({ record }: Container, filters: Filters, limit: number): boolean {
  const labels = record.config.Labels ?? {};
  return Date.parse(record.created) < limit && (filters['label'] ?? []).every((one) => hasLabel(labels, one)) && !(filters['label!'] ?? []).some((one) => hasLabel(labels, one));
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `24h`, `1h30m`, Unix seconds or RFC 3339, as milliseconds since 1970. */
function before(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^(\d+[smhd])+$/.test(text)) return Date.now() - [...text.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? 's'] ?? 1) * 1000, 0);
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) throw invalidConfig({ what: 'invalid until filter', detail: text });
  return time;
}
