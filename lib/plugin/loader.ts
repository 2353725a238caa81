import { createRequire } from 'node:module';
import { extname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GatewayDError, messageOf } from '../errors.ts';
import { within } from './deadline.ts';
import { pluginErrors } from './errors.ts';
import type { Ready } from './examine.ts';
import type { FailurePlace } from './failure-reporter.ts';
import { announceTag } from './module-hooks.ts';
import type { ModuleTag } from './module-tag.ts';
import { readModule, type PluginModule } from './plugin-module.ts';
import { framesOf, stackOf } from './stack-frames.ts';
import { lineOfSyntaxError } from './syntax-error.ts';

/** What a runner gets to load a plugin with. */
export interface Loading {
  readonly ready: Ready;
  /** Which import of the module: of one that was imported with it before in this process, no code runs. */
  readonly tag: ModuleTag;
  /** Time limit of the import, and of each later call of `apply` and what that returned. */
  readonly milliseconds: number;
  /** Calls a function in the plugin's asynchronous context. */
  readonly enter: <T>(call: () => T) => T;
  /** Puts on record what happens to the plugin outside of its import, its `apply` and its taps. */
  readonly report: (error: unknown, place: FailurePlace) => void;
  /** Calls a function whenever a plugin was found, was loaded, failed or was unloaded. */
  readonly watchPlugins: (changed: () => void) => void;
}

/**
 * A place for a plugin's code to run. What it gives is called like a plugin in this process: its `apply` gets the host
 * and taps hooks, whoever does the work behind the taps.
 */
export interface Runner {
  /** Runs a plugin's module, once, and reads what it says of the plugin. */
  load(loading: Loading): Promise<PluginModule>;
}

/** Runs plugins in this process, where nothing but their good will limits them. */
export const inProcess: Runner = {
  async load({ ready, milliseconds, enter, tag }) {
    const { name: plugin, manifest } = ready;
    const url = pathToFileURL(manifest.entryPoint).href + tag;
    if (tag !== '') {
      forgetRequired(ready.path);
      await announceTag(ready.path, tag);
    }
    const late = (): Error => new GatewayDError(pluginErrors.PLUGIN_IMPORT_TIMEOUT, { plugin, milliseconds });
    try {
      const namespace = await within(
        milliseconds,
        enter(() =>
          extname(manifest.entryPoint) === '.cjs' ? required(manifest.entryPoint) : (import(url) as Promise<object>),
        ),
        late,
      );
      return readModule(ready, namespace);
    } catch (error) {
      throw await explain(ready, error);
    }
  },
};

/** What a plugin requires of its own files goes by their paths, and is kept by them. */
function forgetRequired(root: string): void {
  const { cache } = createRequire(import.meta.url);
  const dependencies = join(root, 'node_modules') + sep;
  for (const file of Object.keys(cache)) {
    const isOwn = file === root || (file.startsWith(root + sep) && !file.startsWith(dependencies));
    // eslint-disable-next-line typescript/no-dynamic-delete -- this is how Node has it done
    if (isOwn) delete cache[file];
  }
}

/** The built plugin of our own is CommonJS: for that, Node's loader for ES modules need not start, which takes 10 ms. */
async function required(file: string): Promise<object> {
  return createRequire(file)(file) as object;
}

/** What is said of a plugin whose import threw something: our own errors are clear already. */
async function explain({ name: plugin, path, manifest }: Ready, error: unknown): Promise<GatewayDError> {
  if (GatewayDError.is(error) && error.code in pluginErrors) return error;
  if (!isParseError(error, path)) {
    return new GatewayDError(pluginErrors.PLUGIN_IMPORT_FAILED, { plugin, reason: messageOf(error) }, { cause: error });
  }
  // For TypeScript, Node puts the line above the stack.
  const line = /^file:.*:(\d+)\n/.exec(stackOf(error))?.[1] ?? (await lineOfSyntaxError(manifest.entryPoint));
  const reason = line === null ? messageOf(error) : `${messageOf(error)} (${manifest.entryPoint}:${line})`;
  return new GatewayDError(pluginErrors.PLUGIN_SYNTAX_ERROR, { plugin, reason }, { cause: error });
}

/** Unlike one that code throws while it runs, the parser's error has no frame in any of the plugin's files. */
function isParseError(error: unknown, pluginPath: string): boolean {
  try {
    if (!(error instanceof SyntaxError)) return false;
  } catch {
    // A Proxy may throw when it is asked.
    return false;
  }
  return !framesOf(stackOf(error)).some(({ file }) => file.startsWith(pluginPath));
}
