import type { ConfigIssue, ConfigPath } from './issue.ts';
import type { Locate, Sources } from './sources.ts';
import { isTree, own, type Tree } from './tree.ts';

function nameOf(row: unknown): unknown {
  return isTree(row) ? own(row, 'name') : undefined;
}

/** What came of merging the plugins file. */
export interface Merged {
  readonly issues: readonly ConfigIssue[];
  /** The rows that are ignored for those of the configuration file, as they are written. */
  readonly ignoredRows: readonly Tree[];
}

/** Whose row is not ignored altogether: a no in it counts, whoever else says what. */
const refusable = 'telemetry';

/**
 * Adds what a gatewayd_plugins.yaml says to the configuration, in place: its keys at the top belong to `pluginHost`, its
 * rows to `plugins`. Where both files say something, gatewayd.yaml wins, with a warning.
 */
export function mergePluginsFile(tree: Tree, file: Tree, locate: Locate, sources: Sources): Merged {
  const issues: ConfigIssue[] = [];
  const ignoredRows: Tree[] = [];
  const ignored = (inner: ConfigPath, path: string, what: string, exception = '') => {
    const reason = `is ignored${exception}: the configuration file has ${what}`;
    issues.push({ ...locate(inner, 'key'), path, reason, severity: 'warning' });
  };
  const { plugins: rows, ...globals } = file;

  const pluginHost = own(tree, 'pluginHost') ?? (tree['pluginHost'] = {});
  for (const [key, value] of Object.entries(globals)) {
    if (!isTree(pluginHost) || value === null) continue;
    if (Object.hasOwn(pluginHost, key)) {
      ignored([key], key, `pluginHost.${key}`);
      continue;
    }
    pluginHost[key] = value;
    sources.set(['pluginHost', key], locate, [key]);
  }

  const plugins: unknown = own(tree, 'plugins') ?? (tree['plugins'] = []);
  if (rows === undefined || rows === null || !Array.isArray(plugins)) return { issues, ignoredRows };
  if (!Array.isArray(rows)) {
    issues.push({ ...locate(['plugins'], 'value'), path: 'plugins', reason: 'must be a list', severity: 'error' });
    return { issues, ignoredRows };
  }
  const taken = new Set<unknown>((plugins as unknown[]).map(nameOf).filter((name) => name !== undefined));
  for (const [index, row] of (rows as unknown[]).entries()) {
    const name = nameOf(row);
    if (taken.has(name)) {
      const exception = name === refusable ? ', but for what it turns off' : '';
      ignored(['plugins', index], `plugins[${index}]`, `a row for ${String(name)}, too`, exception);
      if (isTree(row)) ignoredRows.push(row);
      continue;
    }
    sources.set(['plugins', plugins.length], locate, ['plugins', index]);
    plugins.push(row);
  }
  return { issues, ignoredRows };
}
