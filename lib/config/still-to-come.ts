import type { ConfigIssue, ConfigPath } from './issue.ts';
import { pathText } from './issue.ts';
import { rootNode, type SchemaNode } from './schema-node.ts';
import type { Sources } from './sources.ts';
import { type Tree, walk } from './tree.ts';

interface Feature {
  /** What is still to come. */
  readonly name: string;
  /** Keys that ask for it; `*` is any group, block, row or key, `!name` any but that. */
  readonly keys: readonly string[];
  /** Where only some values of the keys are concerned, which. */
  readonly values?: readonly unknown[];
}

/**
 * Features that GatewayD's keys are accepted for, and that this version does not have. One that arrives is taken out of
 * this list, and nothing else has to change.
 */
export const stillToCome: readonly Feature[] = [
  { name: 'loggers besides default', keys: ['loggers.!default'] },
  {
    name: 'metrics',
    keys: ['metrics.*.address', 'metrics.*.path', 'metrics.*.readHeaderTimeout', 'metrics.*.timeout'],
  },
  { name: 'metrics over TLS', keys: ['metrics.*.certFile', 'metrics.*.keyFile'] },
  { name: "merging plugins' metrics", keys: ['pluginHost.enableMetricsMerger', 'pluginHost.metricsMergerPeriod'] },
  { name: 'the admin API', keys: ['api.httpAddress', 'api.grpcNetwork', 'api.grpcAddress'] },
  {
    name: 'policies and actions',
    keys: [
      'pluginHost.defaultPolicy',
      'pluginHost.policyTimeout',
      'pluginHost.actionTimeout',
      'pluginHost.actionRedis.*',
      'pluginHost.policies',
    ],
  },
  { name: 'executables as plugins', keys: ['plugins.*.localPath', 'plugins.*.args', 'plugins.*.env'] },
  { name: 'downloading plugins', keys: ['plugins.*.url'] },
  { name: 'logging to files', keys: ['loggers.*.output'], values: ['file'] },
  {
    name: 'logging to files',
    keys: [
      'loggers.*.fileName',
      'loggers.*.maxSize',
      'loggers.*.maxBackups',
      'loggers.*.maxAge',
      'loggers.*.compress',
      'loggers.*.localTime',
    ],
  },
  { name: 'logging to syslog', keys: ['loggers.*.output'], values: ['syslog', 'rsyslog'] },
  {
    name: 'logging to syslog',
    keys: ['loggers.*.rsyslogNetwork', 'loggers.*.rsyslogAddress', 'loggers.*.syslogPriority'],
  },
];

function isConcerned(feature: Feature, value: unknown, node: SchemaNode): boolean {
  if (feature.values === undefined) return JSON.stringify(value) !== JSON.stringify(node.default);
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.some((item) => feature.values?.includes(item));
}

function matches(key: string, path: ConfigPath): boolean {
  const steps = key.split('.');
  const fits = (step: string, at: string | number | undefined) =>
    step === '*' || step === at || (step.startsWith('!') && step.slice(1) !== at);
  return steps.length === path.length && steps.every((step, index) => fits(step, path[index]));
}

/** A warning for each feature that a configuration, without its defaults, asks for and that is still to come. */
export function warnOfStillToCome(tree: Tree, sources: Sources): readonly ConfigIssue[] {
  const asked = new Map<string, ConfigPath[]>();
  walk(tree, rootNode, (value, node, path) => {
    for (const feature of stillToCome) {
      if (!feature.keys.some((key) => matches(key, path)) || !isConcerned(feature, value, node)) continue;
      asked.set(feature.name, [...(asked.get(feature.name) ?? []), path]);
    }
  });
  const issues = [...asked].map(([name, [first = [], ...others]]) => {
    const also =
      others.length === 0 ? '' : `; so ${others.length === 1 ? 'does' : 'do'} ${others.map(pathText).join(', ')}`;
    const reason = `asks for what is still to come: ${name}${also}`;
    return sources.issue(first, 'warning', reason, { at: 'key' });
  });
  if (!Object.hasOwn(tree, 'raft')) return issues;
  const reason = 'is ignored: several gatewayd need no agreement, so there is nothing to set up';
  return [...issues, sources.issue(['raft'], 'warning', reason, { at: 'key' })];
}
