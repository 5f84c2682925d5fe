import type { Command } from 'commander';
import type { DoctorReport, FixPlan } from '../api/berth/doctor.ts';
import { confirmed } from './confirm.ts';
import type { CliContext } from './context.ts';
import { formatCommand, formatReport } from './doctorFormat.ts';

export interface Doctor {
  /** Probes this host; needs no engine. */
  probe(): Promise<DoctorReport>;
  /** Runs one command with the terminal as its own and returns its status. */
  run(command: readonly string[]): Promise<number>;
}

interface DoctorOptions {
  readonly fix: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** `berth doctor [--fix] [--yes] [--json]`; status 1 when a step failed. */
export function registerDoctorCommand(doctor: Doctor): (program: Command, context: CliContext) => void {
  return (program, context) => {
    program
      .command('doctor')
      .description('check step by step whether this host can run containers')
      .option('--fix', "install what is missing with the host's package manager; prints the command and asks", false)
      .option('-y, --yes', 'with --fix: do not ask', false)
      .option('--json', 'print the report as JSON', false)
      .action(async (options: DoctorOptions) => context.setExitStatus(await examine(doctor, context, options)));
  };
}

async function examine(doctor: Doctor, context: CliContext, options: DoctorOptions): Promise<number> {
  if (context.host !== undefined) throw new Error(`berth doctor is about this machine. For ${context.host}: berth host doctor ${context.host}`);
  let report = await doctor.probe();
  if (options.fix && (await repair(doctor, context, report.fix, options))) report = await doctor.probe();
  context.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
  if (!options.fix && !options.json && report.fix.commands.length > 0) context.stdout.write(`berth doctor --fix would run:\n${shown(report.fix)}`);
  return report.ok ? 0 : 1;
}

/** True when something was run. What it says goes to stderr, so that `--json` stays JSON. */
async function repair(doctor: Doctor, context: CliContext, plan: FixPlan, { yes }: DoctorOptions): Promise<boolean> {
  for (const note of plan.notes) context.stderr.write(`${note}\n`);
  if (plan.commands.length === 0) {
    if (plan.notes.length === 0) context.stderr.write('There is nothing to install.\n');
    return false;
  }
  context.stderr.write(`To be run:\n${shown(plan)}`);
  if (!yes && !(await confirmed(context, 'Run this? [y/N] '))) return false;
  for (const command of plan.commands) {
    const status = await doctor.run(command);
    if (status === 0) continue;
    context.stderr.write(`${formatCommand(command)} ended with status ${status}.\n`);
    break;
  }
  return true;
}

function shown(plan: FixPlan): string {
  return plan.commands.map((command) => `  ${formatCommand(command)}\n`).join('');
}
