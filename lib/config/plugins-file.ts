import type { ConfigIssue, ConfigPath } from './issue.ts';
import type { Locate, Sources } from './sources.ts';
import { isTree, own, type Tree } from './tree.ts';

function nameOf(row: unknown): unknown {
  return isTree(row) ? own(row, 'name') : undefined;
}

/**
 * Adds what a gatewayd_plugins.yaml says to the configuration, in place: its keys at the top belong to `pluginHost`, its
 * rows to `plugins`. Where both files say something, gatewayd.yaml wins, with a warning.
 */
export function mergePluginsFile(tree: Tree, file: Tree, locate: Locate, sources: Sources): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const ignored = (inner: ConfigPath, path: string, what: string) => {
    const reason = `is ignored: the configuration file has ${what}`;
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
  if (rows === undefined || rows === null || !Array.isArray(plugins)) return issues;
  if (!Array.isArray(rows)) {
    issues.push({ ...locate(['plugins'], 'value'), path: 'plugins', reason: 'must be a list', severity: 'error' });
    return issues;
  }
  const taken = new Set<unknown>((plugins as unknown[]).map(nameOf).filter((name) => name !== undefined));
  for (const [index, row] of (rows as unknown[]).entries()) {
    const name = nameOf(row);
    if (taken.has(name)) {
      ignored(['plugins', index], `plugins[${index}]`, `a row for ${String(name)}, too`);
      continue;
    }
    sources.set(['plugins', plugins.length], locate, ['plugins', index]);
    plugins.push(row);
  }
  return issues;
}
