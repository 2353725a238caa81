// mocha's spec reporter, and beside it a JSON count for .ci/run in the folder that MOCHA_REPORT_DIR names.
const { mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { reporters, Runner } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const folder = process.env.MOCHA_REPORT_DIR;
    if (!folder) return;
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, `${process.pid}.json`), JSON.stringify({ passes, failures, pending }));
    });
  }
};
