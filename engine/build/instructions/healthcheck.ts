import { parseDuration } from '../../api/docker/run/quantities.ts';
import { readCommand } from '../dockerfile/command.ts';
import type { Command } from '../dockerfile/command.ts';
import { readFlags } from '../dockerfile/flags.ts';
import type { Flags } from '../dockerfile/flags.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';
import type { StageState } from '../plan/stageState.ts';

export interface HealthcheckInstruction {
  readonly kind: 'healthcheck';
  readonly at: Statement;
  /** Absent: NONE. */
  readonly command?: Command;
  /** Nanoseconds, by Docker's field names; `Retries` is a count. */
  readonly settings: Readonly<Record<string, number>>;
}

const FIELDS: Readonly<Record<string, string>> = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod', 'start-interval': 'StartInterval' };

export function parseHealthcheck(at: Statement): HealthcheckInstruction {
  const flags = readFlags(at, { interval: 'value', timeout: 'value', 'start-period': 'value', 'start-interval': 'value', retries: 'value' });
  const [type, next] = plainWords(at, flags.end);
  if (!type) return at.fail('HEALTHCHECK requires CMD or NONE');
  const kind = type.text.toUpperCase();
  if (kind === 'NONE') return next ? at.fail('HEALTHCHECK NONE takes no arguments', next) : { kind: 'healthcheck', at, settings: {} };
  if (kind !== 'CMD') return at.fail(`Unknown type "${type.text}" in HEALTHCHECK (try CMD)`, type);
  if (!next) return at.fail('Missing command after HEALTHCHECK CMD', type);
  return { kind: 'healthcheck', at, command: readCommand(at, next.start), settings: readSettings(at, flags) };
}

function readSettings(at: Statement, flags: Flags): Record<string, number> {
  const settings: Record<string, number> = {};
  for (const { name, value, token } of flags.all) {
    const text = value?.text ?? '';
    const field = FIELDS[name];
    if (field) settings[field] = parseDuration(text) ?? at.fail(`invalid duration "${text}" in --${name}`, token);
    else if (/^\d+$/.test(text)) settings['Retries'] = Number(text);
    else at.fail(`--retries must be a number, not "${text}"`, token);
  }
  return settings;
}

export function applyHealthcheck(node: HealthcheckInstruction, stage: StageState): void {
  const test = !node.command ? ['NONE'] : node.command.form === 'exec' ? ['CMD', ...node.command.words] : ['CMD-SHELL', node.command.text];
  stage.config.Healthcheck = { Test: test, ...node.settings };
  stage.note(node.at, `HEALTHCHECK ${JSON.stringify({ Test: test, ...node.settings })}`);
}
