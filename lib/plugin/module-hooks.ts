import * as nodeModule from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Whether the host runs from its sources; then somebody else sees to their types. */
const fromSource = import.meta.url.endsWith('.ts');
const extension = fromSource ? '.ts' : '.js';

/** URL of the module that `import … from 'gatewayd'` gives a plugin: the running host's own. */
export const publicSurface: string = new URL(`../index${extension}`, import.meta.url).href;

const ownSources = new URL('../../', import.meta.url).href;
const hostsOwn = new URL('../', import.meta.url).href;
const isTypeScript = /\.m?ts(?:\?|$)/;

/**
 * Whether Node would not take a module because of its types: it is too old for that, or the module is an installed
 * package's. Running from its sources, gatewayd strips plugins' types itself on every Node: what runs its own may do
 * more than strip.
 */
function strips(url: string): boolean {
  if (!isTypeScript.test(url)) return false;
  if (url.includes('/node_modules/')) return true;
  if (fromSource) return !url.startsWith(ownSources);
  return !(process.features as { readonly typescript?: unknown }).typescript;
}

/** Whether a file can only be imported with the module hooks in place because of its types. */
export function needsStripping(file: string): boolean {
  return isTypeScript.test(file) && strips(pathToFileURL(file).href);
}

type Transform = (source: string, options: { readonly mode: 'strip-only' }) => { readonly code: string };

/** Blanks the types out, so that every line and column stays where it is; nothing is written to the disk. */
function stripTypes(url: string): string {
  const { transformSync } = nodeModule.createRequire(import.meta.url)('amaro') as { readonly transformSync: Transform };
  const file = fileURLToPath(url);
  try {
    return transformSync(readFileSync(file, 'utf8'), { mode: 'strip-only' }).code;
  } catch (error) {
    throw typeof error === 'string' ? syntaxError(file, error) : error;
  }
}

/** From the text that the parser throws: a line that says what is wrong, then a drawing of where. */
function syntaxError(file: string, drawn: string): SyntaxError {
  const reason = /^\s*x (.+)$/m.exec(drawn)?.[1] ?? drawn;
  const line = /,-\[(\d+):/.exec(drawn)?.[1] ?? /^\s*(\d+) \|/m.exec(drawn)?.[1] ?? '1';
  return new SyntaxError(`${reason} (${file}:${line})`);
}

interface Resolved {
  readonly url: string;
}

interface Loaded {
  readonly format: string;
  readonly source?: unknown;
  readonly shortCircuit?: boolean;
}

let isAskingNode = false;

/**
 * The file that Node itself finds for a package from a folder, undefined where it finds none. Where the hooks run in
 * this thread, `require` asks them, too, and a guest in another thread or process does without them.
 */
export function resolveWithoutHooks(specifier: string, folder: string): string | undefined {
  isAskingNode = true;
  try {
    return nodeModule.createRequire(path.join(folder, 'plugin.js')).resolve(specifier);
  } catch {
    return undefined;
  } finally {
    isAskingNode = false;
  }
}

/**
 * Node's `resolve` hook; returns what the next one returns, a promise or not.
 * @see https://nodejs.org/api/module.html#customization-hooks
 */
export function resolve<R extends Resolved | Promise<Resolved>>(
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context: unknown) => R,
): R | Resolved | Promise<Resolved> {
  const resolved = next(specifier === 'gatewayd' && !isAskingNode ? publicSurface : specifier, context);
  const tag = /\?generation=\d+$/.exec(context.parentURL ?? '')?.[0];
  if (tag === undefined || !/^[./#]/.test(specifier)) return resolved;
  if (resolved instanceof Promise) return resolved.then((found: Resolved) => retagged(found, tag));
  return retagged(resolved, tag);
}

/** What a plugin imports of its own is imported anew when the plugin is. */
function retagged(found: Resolved, tag: string): Resolved {
  const isOwn = found.url.startsWith('file:') && !found.url.includes('?') && !found.url.startsWith(hostsOwn);
  return isOwn ? { ...found, url: found.url + tag } : found;
}

/** Node's `load` hook. */
export function load<R>(url: string, context: unknown, next: (url: string, context: unknown) => R): R | Loaded {
  if (!strips(url)) return next(url, context);
  return { format: 'module', source: stripTypes(url), shortCircuit: true };
}

const { registerHooks } = nodeModule as { readonly registerHooks?: (hooks: object) => void };
/** Whether the hooks take a thread of their own: until that has started, nothing else runs. */
export const hooksTakeThread: boolean = registerHooks === undefined;
let registered = false;

/** Puts the hooks in place, once a process and for good: in this thread where Node can, or else in one of their own. */
export function registerModuleHooks(): void {
  if (registered) return;
  registered = true;
  if (registerHooks) registerHooks({ resolve, load });
  else nodeModule.register(import.meta.url);
}
