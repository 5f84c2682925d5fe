import type { Figures } from './stats.ts';

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly unit: 'ms' | 'MiB';
  /** The most Berth may need, as a share of Docker's median; absent: no budget. */
  readonly budget?: number;
  readonly berth: Figures;
  /** Absent when Docker was not measured. */
  readonly docker?: Figures;
  /** Builds only. */
  readonly buildah?: Figures;
}

export function ratioOf({ berth, docker }: RowResult): number | undefined {
  return docker === undefined || docker.median === 0 ? undefined : berth.median / docker.median;
}

/** The results as a Markdown table: medians with (min, max), ratio of the medians, budget, and whether it is met. */
export function formatTable(rows: readonly RowResult[]): string {
  const withBuildah = rows.some(({ buildah }) => buildah !== undefined);
  const head = ['what', 'Berth', 'Docker', 'ratio', 'budget', 'met', ...(withBuildah ? ['buildah'] : [])];
  const lines = rows.map((row) => {
    const ratio = ratioOf(row);
    const met = ratio === undefined || row.budget === undefined ? '' : ratio <= row.budget ? 'yes' : '**no**';
    return [row.title, formatFigures(row.berth, row.unit), row.docker ? formatFigures(row.docker, row.unit) : 'not measured', ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, row.budget === undefined ? '' : `≤ ${row.budget.toFixed(2)} ×`, met, ...(withBuildah ? [row.buildah ? formatFigures(row.buildah, row.unit) : ''] : [])];
  });
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function formatFigures({ median, min, max, count }: Figures, unit: string): string {
  const text = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
  return count === 1 ? `${text(median)} ${unit}` : `${text(median)} ${unit} (${text(min)}, ${text(max)})`;
}
