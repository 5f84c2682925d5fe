// mocha's spec reporter, which also adds its totals to the file named by BERTH_TEST_COUNTS.
const { appendFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = runner.stats;
      if (process.env.BERTH_TEST_COUNTS) appendFileSync(process.env.BERTH_TEST_COUNTS, `${JSON.stringify({ passes, failures, pending })}\n`);
    });
  }
};
