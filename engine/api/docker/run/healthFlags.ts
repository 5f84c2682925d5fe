import { integer, must, switched, valued } from './flags.ts';
import type { RunDraft, RunFlag } from './flags.ts';
import { parseDuration } from './quantities.ts';

const duration = (value: string): number => must(parseDuration(value), 'a duration, as 30s or 1m30s');
const check = (draft: RunDraft): NonNullable<RunDraft['body']['Healthcheck']> => (draft.body.Healthcheck ??= {});

/** How the engine looks whether the program inside is well. */
export const healthFlags: readonly RunFlag[] = [
  valued('health-cmd', 'COMMAND', 'command that checks its health, for its shell', (draft, value) => void (check(draft).Test = ['CMD-SHELL', value])),
  valued('health-interval', 'DURATION', 'time between checks (30s)', (draft, value) => void (check(draft).Interval = duration(value))),
  valued('health-timeout', 'DURATION', 'longest time that a check may take (30s)', (draft, value) => void (check(draft).Timeout = duration(value))),
  valued('health-retries', 'N', 'failures in a row that make it unhealthy (3)', (draft, value) => void (check(draft).Retries = integer(value))),
  valued('health-start-period', 'DURATION', 'time after the start in which failures do not count', (draft, value) => void (check(draft).StartPeriod = duration(value))),
  valued('health-start-interval', 'DURATION', 'time between checks in the start period (5s)', (draft, value) => void (check(draft).StartInterval = duration(value))),
  switched('no-healthcheck', "do without the image's health check", (draft, on) => {
    if (on) draft.body.Healthcheck = { Test: ['NONE'] };
  }),
];
