// Adds up the reports that the mocha runs of .ci/run left in a folder, and prints the line CI reads.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const expectedRuns = 2;
const [, , folder, failedSteps = '0'] = process.argv;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const totals = { passes: 0, failures: 0, pending: 0 };
for (const file of files) {
  const counts = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  for (const key of Object.keys(totals)) totals[key] += counts[key];
}
const missing = Math.max(0, expectedRuns - files.length);
if (missing > 0) console.log(`${missing} of the test runs left no report: each counts as a failure.`);
if (totals.pending > 0) console.log(`${totals.pending} pending specs: each counts as a failure.`);
const failed = Math.max(totals.failures + totals.pending + missing, Number(failedSteps));
console.log(`${totals.passes} passed, ${failed} failed`);
process.exitCode = failed > 0 || totals.passes === 0 ? 1 : 0;
