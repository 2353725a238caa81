import { defineErrors, GatewayDError } from '../errors.ts';
import { formatIssues } from './format-issues.ts';
import type { ConfigIssue } from './issue.ts';

/** What can go wrong in the configuration. */
export const configErrors = defineErrors({
  CONFIG_INVALID: {
    message: 'The configuration cannot be used:\n{issues}',
    mend: 'Correct what each line names; `gatewayd config lint` shows what is left.',
  },
  CONFIG_DURATION_INVALID: {
    message: 'Not a duration: {duration}',
    mend: 'Write numbers with units, such as 10s, 500ms or 1h30m.',
  },
});

/** The configuration cannot be used. Holds every problem found, not only the first. */
export class ConfigError extends GatewayDError {
  override readonly name = 'ConfigError';
  /** In the order of the files; warnings included. */
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(configErrors.CONFIG_INVALID, { issues: formatIssues(issues.filter((issue) => issue.severity === 'error')) });
    this.issues = issues;
  }
}
