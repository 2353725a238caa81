import { turn } from '../turn.ts';
import { checkCoherence } from './coherence.ts';
import { ConfigError } from './errors.ts';
import { explain, faultyPath } from './explain.ts';
import type { ConfigIssue } from './issue.ts';
import { dropEmpty, fillCounterparts, fillSections, writeDurations } from './normalise.ts';
import type { GlobalConfig } from './schema.ts';
import { Sources } from './sources.ts';
import { nodeAt } from './schema-node.ts';
import { deepFreeze, isTree, type Tree, valueAt } from './tree.ts';
import { configValidator, type SchemaFault, type Validator } from './validator.ts';

/** What checking a whole configuration gave. */
export interface Checked {
  /** Frozen all through; null where there are errors. */
  readonly config: GlobalConfig | null;
  readonly issues: readonly ConfigIssue[];
}

/** Takes faulty values out, in place, as far as the rest still makes sense without them; false where it does not. */
function prune(tree: Tree, faults: readonly SchemaFault[]): boolean {
  let sensible = true;
  for (const path of faults.map((fault) => faultyPath(fault, tree))) {
    // An entry that leaves a list would change the places of the others, so the list goes as a whole.
    const index = path.findIndex((step) => typeof step === 'number');
    const whole = index === -1 ? path : path.slice(0, index);
    const holder = valueAt(tree, whole.slice(0, -1));
    if (isTree(holder)) delete holder[String(whole.at(-1))];
    if (nodeAt(whole)?.type === 'object') sensible = false;
  }
  return sensible;
}

/** What else is wrong with a configuration that has faults: how its right parts fit together. */
function otherIssues(tree: Tree, faults: readonly SchemaFault[], validate: Validator, sources: Sources) {
  if (!prune(tree, faults)) return [];
  return validate(tree) ? checkCoherence(tree as unknown as GlobalConfig, sources) : [];
}

/** Fills in all defaults, in place, checks everything, and freezes what is right. */
export async function checkTree(tree: Tree, sources: Sources): Promise<Checked> {
  fillSections(tree);
  fillCounterparts(tree);
  const validate = await configValidator();
  await turn();
  if (!validate(tree)) {
    const faults = validate.errors ?? [];
    const issues = faults.map((fault) => explain(fault, tree, sources));
    return { config: null, issues: [...issues, ...otherIssues(tree, faults, validate, sources)] };
  }
  await turn();
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
