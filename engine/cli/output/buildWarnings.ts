import type { BuildEvent } from '../../api/berth/build.ts';

export type BuildWarningEvent = Extract<BuildEvent, { type: 'warning' }>;

/** `StageNameCasing: Stage name … (Dockerfile:3)`. */
export function warningLine({ rule, message, file, line }: BuildWarningEvent): string {
  return `${rule === undefined ? '' : `${rule}: `}${message}${file === undefined || line === undefined ? '' : ` (${file}:${line})`}`;
}

/** The answer of `berth build --check`, for people. */
export function formatWarnings(warnings: readonly BuildWarningEvent[]): string {
  if (warnings.length === 0) return 'Check complete, no warnings found.\n';
  return `Check complete, ${warnings.length === 1 ? '1 warning has' : `${warnings.length} warnings have`} been found!\n${warnings.map(formatWarning).join('')}`;
}

function formatWarning(warning: BuildWarningEvent): string {
  const { rule, why, message, file, line, column } = warning;
  return `\nWARNING: ${rule ?? 'build'}${why === undefined ? '' : ` - ${why}`}\n${message}\n${file ?? ''}:${line ?? 0}:${column ?? 0}\n${formatExcerpt(warning)}`;
}

/** Lines of a Dockerfile, the one that is meant marked. */
export function formatExcerpt({ line, excerpt = [] }: Pick<BuildWarningEvent, 'line' | 'excerpt'>): string {
  const width = String(excerpt.at(-1)?.line ?? 0).length;
  const rows = excerpt.map((row) => ` ${String(row.line).padStart(width)} | ${row.line === line ? '>>>' : '   '} ${row.text}\n`);
  const ruler = `${'-'.repeat(20)}\n`;
  return `${ruler}${rows.join('')}${ruler}`;
}
