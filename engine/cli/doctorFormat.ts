import type { DoctorReport, DoctorStep } from '../api/berth/doctor.ts';

const MARKS: Readonly<Record<DoctorStep['status'], string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

/** A report for people: a line a step, what to do below it, the sum at the end. */
export function formatReport(report: DoctorReport): string {
  const width = Math.max(...report.steps.map(({ title }) => title.length)) + 2;
  const lines = report.steps.flatMap(({ status, title, seen, advice }) => [`${MARKS[status]}  ${title.padEnd(width)}${seen}`, ...(advice === '' ? [] : [`      → ${advice}`])]);
  return [`${report.system}, Linux ${report.kernel}, ${report.architecture}`, ...lines, '', summary(report), ''].join('\n');
}

function summary({ steps }: DoctorReport): string {
  const count = (status: DoctorStep['status']): number => steps.filter((step) => step.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed > 0) return `${failed} of ${steps.length} steps failed: containers cannot run yet.`;
  return warned > 0 ? `This host can run containers; ${warned} of ${steps.length} steps could be better.` : 'This host can run containers.';
}

/** A command as one could type it. */
export function formatCommand(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
