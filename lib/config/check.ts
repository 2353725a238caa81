import { checkCoherence } from './coherence.ts';
import { ConfigError } from './errors.ts';
import { explain } from './explain.ts';
import type { ConfigIssue } from './issue.ts';
import { dropEmpty, fillCounterparts, fillSections, writeDurations } from './normalise.ts';
import type { GlobalConfig } from './schema.ts';
import { Sources } from './sources.ts';
import { deepFreeze, isTree, type Tree } from './tree.ts';
import { configValidator } from './validator.ts';

/** What checking a whole configuration gave. */
export interface Checked {
  /** Frozen all through; null where there are errors. */
  readonly config: GlobalConfig | null;
  readonly issues: readonly ConfigIssue[];
}

/** Fills in all defaults, in place, checks everything, and freezes what is right. */
export async function checkTree(tree: Tree, sources: Sources): Promise<Checked> {
  fillSections(tree);
  fillCounterparts(tree);
  const validate = await configValidator();
  if (!validate(tree)) {
    return { config: null, issues: (validate.errors ?? []).map((fault) => explain(fault, tree, sources)) };
  }
  const warnings = writeDurations(tree, sources);
  const config = tree as unknown as GlobalConfig;
  const issues = [...warnings, ...checkCoherence(config, sources)];
  const broken = issues.some((issue) => issue.severity === 'error');
  return { config: broken ? null : deepFreeze(config), issues };
}

/**
 * Checks a configuration that came from a program and not from a file, such as the one that a `configLoaded` tap
 * returned. The value itself stays as it is.
 * @returns a copy with all defaults filled in, frozen.
 * @throws ConfigError with everything that is wrong with it.
 */
export async function checkConfig(value: unknown): Promise<GlobalConfig> {
  const fault = (reason: string): ConfigIssue => ({
    file: null,
    line: null,
    column: null,
    path: '',
    reason,
    severity: 'error',
  });
  let copy: unknown;
  try {
    copy = structuredClone(value);
  } catch (error) {
    throw new ConfigError([fault(`must be plain data: ${String(error)}`)]);
  }
  if (!isTree(copy)) throw new ConfigError([fault('must be keys and values')]);
  dropEmpty(copy);
  const { config, issues } = await checkTree(copy, new Sources());
  if (config === null) throw new ConfigError(issues);
  return config;
}
