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
  /** Absent where podman was not measured. */
  readonly podman?: Figures;
  /** Builds only. */
  readonly buildah?: Figures;
}

export function ratioOf({ berth, docker }: RowResult): number | undefined {
  return docker === undefined || docker.median === 0 ? undefined : berth.median / docker.median;
}

/** The results as a Markdown table: medians with (min, max), ratio of the medians to Docker's, budget, and whether it is met. */
export function formatTable(rows: readonly RowResult[]): string {
  const others = (['podman', 'buildah'] as const).filter((name) => rows.some((row) => row[name] !== undefined));
  const head = ['what', 'Berth', 'Docker', ...others.map((name) => (name === 'podman' ? 'Podman' : name)), 'ratio', 'budget', 'met'];
  const lines = rows.map((row) => {
    const ratio = ratioOf(row);
    const met = ratio === undefined || row.budget === undefined ? '' : ratio <= row.budget ? 'yes' : '**no**';
    const besides = others.map((name) => row[name]).map((figures) => (figures ? formatFigures(figures, row.unit) : ''));
    return [row.title, formatFigures(row.berth, row.unit), row.docker ? formatFigures(row.docker, row.unit) : 'not measured', ...besides, ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, row.budget === undefined ? '' : `≤ ${row.budget.toFixed(2)} ×`, met];
  });
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function formatFigures({ median, min, max, count }: Figures, unit: string): string {
  const text = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
  return count === 1 ? `${text(median)} ${unit}` : `${text(median)} ${unit} (${text(min)}, ${text(max)})`;
}
