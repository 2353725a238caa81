import type { ConfigIssue } from './issue.ts';

function placeOf(issue: ConfigIssue): string {
  if (issue.file === null) return issue.path === '' ? '' : `${issue.path}: `;
  const position = issue.line === null ? '' : `:${issue.line}:${issue.column ?? 1}`;
  return `${issue.file}${position}: `;
}

/** One issue as compilers write them: `file:line:column: reason (did you mean …?)`. */
export function formatIssue(issue: ConfigIssue): string {
  const kind = issue.severity === 'warning' ? 'warning: ' : '';
  // The reason of an issue without a file already follows its path.
  const path = issue.path === '' || issue.file === null ? '' : `${issue.path} `;
  const hint = issue.nearest === undefined ? '' : ` (did you mean ${issue.nearest}?)`;
  return `${placeOf(issue)}${kind}${path}${issue.reason}${hint}`;
}

/** One line for each issue. */
export function formatIssues(issues: readonly ConfigIssue[]): string {
  return issues.map(formatIssue).join('\n');
}
