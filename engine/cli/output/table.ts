/** Columns of text under headings, three spaces between, as Docker prints them. */
export function formatTable(headings: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = headings.map((heading, column) => Math.max(width(heading), ...rows.map((row) => width(row[column] ?? ''))));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (column === headings.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)))).join('   ').trimEnd();
  return [headings, ...rows].map((row) => `${line(row)}\n`).join('');
}

const width = (text: string): number => [...text].length;
