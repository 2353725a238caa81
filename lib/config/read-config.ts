import { applyEnvironment, type Environment, type KeySet } from './environment.ts';
import type { PluginSchemas } from './environment-path.ts';
import type { ConfigIssue, PluginConfigFault } from './issue.ts';
import { dropEmpty, fillSections } from './normalise.ts';
import { type Merged, mergePluginsFile } from './plugins-file.ts';
import { type FileText, readTextFile } from './read-file.ts';
import type { GlobalConfig } from './schema.ts';
import { pluginHostSchema, pluginRowSchema } from './sections/plugins.ts';
import { Sources } from './sources.ts';
import { warnOfStillToCome } from './still-to-come.ts';
import { isTree, own, type Tree } from './tree.ts';
import { turn } from '../turn.ts';
import { checkTree } from './check.ts';
import { readYaml, type YamlTree } from './yaml-tree.ts';

/** Where a configuration comes from. */
export interface ConfigSources {
  /** Path of gatewayd.yaml. */
  readonly configFile: string;
  /** Whether the user named that file; it must exist then. */
  readonly configFileGiven?: boolean;
  /** Path of a gatewayd_plugins.yaml, as GatewayD writes it. */
  readonly pluginConfigFile?: string;
  /** Whether the user named that file; it must exist then. */
  readonly pluginConfigFileGiven?: boolean;
  /** Variables starting with `GATEWAYD_` override keys of both files. */
  readonly environment: Environment;
  /**
   * JSON Schemas of the `config` of plugins known beforehand, by name: so that a variable finds a key inside it that no
   * file sets.
   */
  readonly pluginConfigSchemas?: PluginSchemas;
  /** What is wrong with the `config` of a plugin's row; left out by who finds that when the plugin is loaded. */
  readonly checkPluginConfig?: (plugin: unknown, config: unknown) => Promise<readonly PluginConfigFault[]>;
}

/** All there is to know of a configuration after reading it. */
export interface ReadConfig {
  /** Null where there are errors. */
  readonly config: GlobalConfig | null;
  readonly issues: readonly ConfigIssue[];
  /** What environment variables set, in the order in which they did. */
  readonly fromEnvironment: readonly KeySet[];
  /** Rows of the plugins file that are ignored because gatewayd.yaml has one for the same plugin, as they are written. */
  readonly ignoredRows: readonly Tree[];
  /** Where each part of it was written. */
  readonly sources: Sources;
  /** Whether each file was there. */
  readonly found: { readonly configFile: boolean; readonly pluginConfigFile: boolean };
}

interface OneFile {
  readonly found: boolean;
  readonly yaml: YamlTree | null;
  readonly issues: readonly ConfigIssue[];
}

/** What there is to say of a file as a whole. */
type FileIssue = Pick<ConfigIssue, 'severity' | 'reason'>;

/** @param missing what there is to say where it is not there; null for nothing */
function understand(file: string | undefined, read: FileText | undefined, missing: FileIssue | null): OneFile {
  if (file === undefined || read === undefined) return { found: false, yaml: null, issues: [] };
  if ('text' in read) {
    const yaml = readYaml(read.text, file);
    return { found: true, yaml, issues: yaml.issues };
  }
  const issue: FileIssue | null = read.missing ? missing : { severity: 'error', reason: read.reason };
  const issues = issue === null ? [] : [{ file, line: null, column: null, path: '', ...issue }];
  return { found: false, yaml: null, issues };
}

// GatewayD's older versions had them; nothing here asks them any more.
const formerGlobals = ['verificationPolicy', 'compatibilityPolicy', 'acceptancePolicy', 'terminationPolicy'];

function dropFormerGlobals({ tree, locate }: YamlTree): readonly ConfigIssue[] {
  return formerGlobals
    .filter((key) => tree !== null && Object.hasOwn(tree, key))
    .map((key) => {
      delete tree?.[key];
      const reason = 'is ignored: it has no meaning any more';
      return { ...locate([key], 'key'), path: key, reason, severity: 'warning' };
    });
}

const nothingMerged: Merged = { issues: [], ignoredRows: [] };

/** Merges the plugins file into the configuration; its nulls count as not written, as in gatewayd.yaml. */
function addPluginsFile(tree: Tree, yaml: YamlTree, sources: Sources): Merged {
  if (yaml.tree === null) return nothingMerged;
  const former = dropFormerGlobals(yaml);
  const { plugins } = yaml.tree;
  dropEmpty(yaml.tree, pluginHostSchema);
  dropEmpty(plugins, { items: pluginRowSchema });
  const { issues, ignoredRows } = mergePluginsFile(tree, yaml.tree, yaml.locate, sources);
  return { issues: [...former, ...issues], ignoredRows };
}

/** In the order of the files and lines; what has no line comes last. */
function inOrder(issues: readonly ConfigIssue[], files: readonly (string | undefined)[]): readonly ConfigIssue[] {
  const rank = ({ file }: ConfigIssue) => (files.includes(file ?? '') ? files.indexOf(file ?? '') : files.length);
  return [...issues].sort(
    (a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** What is wrong with the plugins' own parts of a configuration, as far as anybody can say who loads none of them. */
async function pluginIssues(
  tree: Tree,
  sources: Sources,
  check: NonNullable<ConfigSources['checkPluginConfig']>,
): Promise<readonly ConfigIssue[]> {
  const { plugins } = tree;
  const rows = Array.isArray(plugins) ? (plugins as unknown[]) : [];
  const found = rows.map(async (row, index) => {
    if (!isTree(row)) return [];
    const faults = await check(own(row, 'name'), structuredClone(own(row, 'config')));
    return faults.map((fault) => sources.pluginIssue(index, fault));
  });
  return (await Promise.all(found)).flat();
}

/** What the files of a configuration say just now. */
export interface ConfigTexts {
  /** Of gatewayd.yaml, and of the plugins file; undefined where none was asked for. */
  readonly main: FileText;
  readonly plugins: FileText | undefined;
}

/** Reads both files, and makes nothing of them yet. */
export async function readTexts({ configFile, pluginConfigFile }: ConfigSources): Promise<ConfigTexts> {
  const [main, plugins] = await Promise.all([
    readTextFile(configFile),
    pluginConfigFile === undefined ? undefined : readTextFile(pluginConfigFile),
  ]);
  return { main, plugins };
}

/**
 * Adds the environment to both files, fills in the defaults and checks everything. Never throws for what they say.
 * @param texts what `readTexts` gives
 */
export async function readConfig(from: ConfigSources, texts?: ConfigTexts): Promise<ReadConfig> {
  const { configFile, configFileGiven, pluginConfigFile, pluginConfigFileGiven } = from;
  const none = 'there is no such file';
  const noneGiven = `${none}; \`gatewayd config init -c ${configFile}\` writes one`;
  const read = texts ?? (await readTexts(from));
  const main = understand(
    configFile,
    read.main,
    configFileGiven === true
      ? { severity: 'error', reason: noneGiven }
      : { severity: 'warning', reason: `${none}, so the defaults apply` },
  );
  await turn();
  const noPlugins: FileIssue = { severity: 'error', reason: none };
  const plugins = understand(pluginConfigFile, read.plugins, pluginConfigFileGiven === true ? noPlugins : null);
  await turn();
  const sources = new Sources();
  const tree = main.yaml?.tree ?? {};
  if (main.yaml !== null) sources.set([], main.yaml.locate);
  dropEmpty(tree);
  const merged = plugins.yaml === null ? nothingMerged : addPluginsFile(tree, plugins.yaml, sources);
  fillSections(tree);
  const overridden = applyEnvironment(tree, from.environment, sources, from.pluginConfigSchemas ?? {});
  const future = warnOfStillToCome(tree, sources);
  const before = [...main.issues, ...plugins.issues, ...merged.issues, ...overridden.issues, ...future];
  const files = [configFile, pluginConfigFile];
  const found = { configFile: main.found, pluginConfigFile: plugins.found };
  // Where a file cannot be understood, what its absence makes wrong elsewhere is not worth telling.
  await turn();
  const unreadable = [main, plugins].some((file) => file.yaml?.tree === null);
  const checked = unreadable ? { config: null, issues: [] } : await checkTree(tree, sources);
  const { checkPluginConfig } = from;
  const ofPlugins =
    unreadable || checkPluginConfig === undefined ? [] : await pluginIssues(tree, sources, checkPluginConfig);
  const issues = inOrder([...before, ...checked.issues, ...ofPlugins], files);
  const broken = issues.some((issue) => issue.severity === 'error');
  return {
    config: broken ? null : checked.config,
    issues,
    fromEnvironment: overridden.set,
    ignoredRows: merged.ignoredRows,
    sources,
    found,
  };
}
