import type { Reporter } from '../../base/report.ts';
import type { Command } from '../command.ts';

export function showLog(reporter: Reporter): Command {
  return {
    id: 'berth.showLog',
    run() {
      reporter.showLog();
      return Promise.resolve();
    },
  };
}
