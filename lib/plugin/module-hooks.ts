import * as nodeModule from 'node:module';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

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
  context: { readonly parentURL?: string | undefined; readonly conditions?: readonly string[] },
  next: (specifier: string, context: unknown) => R,
): R | Resolved | Promise<Resolved> {
  const resolved = next(specifier === 'gatewayd' && !isAskingNode ? publicSurface : specifier, context);
  const { parentURL = '', conditions = [] } = context;
  const tag =
    /\?generation=\d+$/.exec(parentURL)?.[0] ?? (conditions.includes('import') ? newestTag(parentURL) : undefined);
  if (tag === undefined || !/^[./#]/.test(specifier)) return resolved;
  if (resolved instanceof Promise) return resolved.then((found: Resolved) => retagged(found, tag));
  return retagged(resolved, tag);
}

/** Of what was imported anew, by the URL that its files' begin with, the tag. */
const newestTags = new Map<string, string>();
const commonJs = new Map<string, boolean>();

/** What a CommonJS module imports is tagged by the newest import of its plugin: it goes by its path and has no tag itself. */
function newestTag(parentURL: string): string | undefined {
  const root = [...newestTags.keys()].find((one) => parentURL === one || parentURL.startsWith(`${one}/`));
  if (root === undefined || parentURL.slice(root.length).includes('/node_modules/')) return undefined;
  const known = commonJs.get(parentURL) ?? isCommonJs(fileURLToPath(parentURL));
  commonJs.set(parentURL, known);
  return known ? newestTags.get(root) : undefined;
}

/** By its name, the package that it is in, or else what it looks like: those of the first generation have no tag either. */
function isCommonJs(file: string): boolean {
  if (/\.[cm][jt]s$/.test(file)) return /\.c[jt]s$/.test(file);
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = textOf(path.join(folder, 'package.json'));
    const type = manifest === null ? undefined : /"type"\s*:\s*"(commonjs|module)"/.exec(manifest)?.[1];
    if (type !== undefined) return type === 'commonjs';
    if (manifest !== null || folder === path.dirname(folder)) break;
  }
  return !/^\s*(?:import\s*[\w{*'"]|export\s)/m.test(textOf(file) ?? '');
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
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
let toHooks: MessagePort | null = null;
let acknowledged: Promise<unknown> = Promise.resolve();

/** Puts the hooks in place, once a process and for good: in this thread where Node can, or else in one of their own. */
export function registerModuleHooks(): void {
  if (registered) return;
  registered = true;
  if (registerHooks) {
    registerHooks({ resolve, load });
    return;
  }
  const { port1, port2 } = new MessageChannel();
  toHooks = port1;
  nodeModule.register(import.meta.url, { data: port2, transferList: [port2] });
}

/** Node's `initialize` hook, in the hooks' own thread. */
export function initialize(toMain: MessagePort): void {
  toMain.on('message', ([root, tag]: readonly [string, string]) => {
    newestTags.set(root, tag);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
    toMain.postMessage(root);
  });
}

/**
 * A plugin is about to be imported anew.
 * @param root path of its file or folder
 */
export async function announceTag(root: string, tag: string): Promise<void> {
  // Without the hooks there is nothing of its own that it imports.
  if (!registered) return;
  const url = pathToFileURL(root).href;
  const port = toHooks;
  if (port === null) {
    newestTags.set(url, tag);
    return;
  }
  acknowledged = acknowledged.then(() => {
    port.postMessage([url, tag]);
    return once(port, 'message');
  });
  await acknowledged;
}
