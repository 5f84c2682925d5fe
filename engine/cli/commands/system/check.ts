import type { Command } from 'commander';
import { checkReportSchema } from '../../../api/berth/check.ts';
import type { CheckReport } from '../../../api/berth/check.ts';
import type { CliContext } from '../../context.ts';

/** `berth system check`: status 0 when all is in order (or was put in order), else 1. */
export function registerCheck(system: Command, context: CliContext): void {
  system
    .command('check')
    .description('compare what the engine has on record with what the kernel and the disk say')
    .option('--repair', 'put in order what can be without losing data', false)
    .option('--layers', 'also read every layer and compare its digest', false)
    .option('--json', 'print JSON', false)
    .action((options: { repair: boolean; layers: boolean; json: boolean }) => check(context, options));
}

async function check(context: CliContext, { repair, layers, json }: { readonly repair: boolean; readonly layers: boolean; readonly json: boolean }): Promise<void> {
  const report = await (await context.engine()).json('POST', '/berth/v1/check', checkReportSchema, { json: { repair, layers }, signal: context.signal });
  context.stdout.write(json ? `${JSON.stringify(report)}\n` : formatCheck(report));
  if (!report.ok) context.setExitStatus(1);
}

/** For people: a finding with what to do below it, and the sum at the end. */
export function formatCheck({ findings, looked }: CheckReport): string {
  const lines = findings.flatMap(({ code, kind, object, seen, advice, repaired }) => [`${repaired ? 'mended' : 'FAULT '}  ${code}  ${kind} ${object}`, `        ${seen}`, ...(repaired ? [] : [`        → ${advice}`])]);
  const left = findings.filter(({ repaired }) => !repaired).length;
  const sum = left > 0 ? `${left} ${left === 1 ? 'fault' : 'faults'}.` : findings.length > 0 ? 'All faults were mended.' : 'All is in order.';
  return `${[...lines, ...(lines.length > 0 ? [''] : []), `Looked at ${Object.entries(looked).map(([what, count]) => `${count} ${what}`).join(', ')}. ${sum}`].join('\n')}\n`;
}
