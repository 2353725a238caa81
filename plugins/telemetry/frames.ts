import { realpathSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RawFrame } from './parse-stack.ts';
import { sourceFile, type SourceFile } from './source-files.ts';

/** A folder or file whose frames may be named, and what stands for it on the wire. */
export interface Root {
  readonly path: string;
  readonly name: string;
  /** Whether files and functions may be named too; otherwise there is but the line. */
  readonly open: boolean;
}

/** A stack frame as it is sent. */
export interface SafeFrame {
  filename: string;
  function: string;
  in_app: boolean;
  lineno?: number;
  colno?: number;
}

const elsewhere: SafeFrame = { filename: 'app:///elsewhere', function: '?', in_app: false };

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** gatewayd's own code and nothing beside it: in a clone the folder above may hold anything. */
export const ownRoots: readonly Root[] = ['lib', 'proto', 'plugins/telemetry'].map((folder) => ({
  path: realPath(fileURLToPath(new URL(`../../${folder}`, import.meta.url))),
  name: `app:///gatewayd/${folder}`,
  open: true,
}));

function pathOf(filename: string): string {
  const plain = filename.replace(/[?#].*$/s, '');
  try {
    return plain.startsWith('file:') ? fileURLToPath(plain) : plain;
  } catch {
    return '';
  }
}

function isWithin(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return !relative.startsWith('..') && !path.isAbsolute(relative);
}

/** The path of `file` below the root, `''` for the root itself; null where it is not there, or is a package's. */
function beneath(root: Root, file: string): string | null {
  if (!isWithin(root.path, file)) return null;
  const segments = path.relative(root.path, file).split(path.sep);
  return segments.includes('node_modules') ? null : segments.join('/');
}

/** What V8 puts before the name of a function that the source has. */
const builtIns = new Set(['Object', 'Function', 'Array', 'Map', 'Set', 'Promise', 'Module', 'process', 'Timeout']);
const functionName = /^(?:async |new |get |set )?[A-Za-z_$<#][\w$.<>#]{0,127}(?: \[as [A-Za-z_$#][\w$#]{0,127}\])?$/;
const decoration = new Set(['async', 'new', 'get', 'set', 'as', 'anonymous']);

/** The name of a function as far as it is code: an object's key can become one, and may be anything. */
function safeFunction(name: string, source: SourceFile): string {
  if (!functionName.test(name)) return '?';
  const isCode = (word: string) => decoration.has(word) || builtIns.has(word) || source.hasWord(word);
  const wordsOf = (text: string) => text.match(/[\w$#]+/g) ?? [];
  if (wordsOf(name).every(isCode)) return name;
  // It may have been called as a member of what is not the plugin's.
  const own = name.replace(/ \[as .*\]$/, '');
  const words = wordsOf(own);
  if (words.every(isCode)) return own;
  const last = words.at(-1);
  return last !== undefined && source.hasWord(last) ? last : '?';
}

const nodeModules: ReadonlySet<string> = new Set([
  ...builtinModules,
  // Node's inner modules are in no other list.
  ...((process as { readonly moduleLoadList?: readonly string[] }).moduleLoadList ?? []).flatMap(
    (entry) => /^NativeModule (internal\/.+)$/.exec(entry)?.[1] ?? [],
  ),
]);

function ofNode({ filename, lineno, colno }: RawFrame): SafeFrame {
  if (!nodeModules.has(filename.slice('node:'.length)) || lineno > 9_999 || colno > 999) return elsewhere;
  return { filename, function: '?', in_app: false, lineno, colno };
}

function safeFrame(frame: RawFrame, roots: readonly Root[]): SafeFrame {
  if (frame.filename.startsWith('node:')) return ofNode(frame);
  const file = pathOf(frame.filename);
  if (!path.isAbsolute(file)) return elsewhere;
  for (const root of roots) {
    const below = beneath(root, file);
    if (below === null) continue;
    const source = sourceFile(file);
    if (source?.hasPlace(frame.lineno, frame.colno) !== true) return elsewhere;
    const { lineno, colno } = frame;
    if (!root.open) return { filename: root.name, function: '?', in_app: true, lineno, colno };
    const filename = `${root.name}/${below === '' ? path.basename(file) : below}`;
    return { filename, function: safeFunction(frame.function, source), in_app: true, lineno, colno };
  }
  return elsewhere;
}

/**
 * Tells whether a class is written in one of the files that a stack names, as far as they are a root's, its packages
 * included: whoever made the error stands in there.
 */
export function isInCodeOf(frames: readonly RawFrame[], roots: readonly Root[]): (className: string) => boolean {
  const isOurs = (file: string): boolean =>
    path.isAbsolute(file) && roots.some((root) => root.open && isWithin(root.path, file));
  return (className) =>
    [...new Set(frames.map(({ filename }) => pathOf(filename)))]
      .filter(isOurs)
      .some((file) => sourceFile(file)?.hasClass(className) === true);
}

/**
 * Stack frames as they are sent: paths below a root become its name and what is below it, Node's own stay, and of all
 * others nothing is left. A place that is in no file, and a function's name that no source has, were made up or
 * computed, and are left out.
 */
export function safeFrames(frames: readonly RawFrame[], roots: readonly Root[]): SafeFrame[] {
  return frames.map((frame) => safeFrame(frame, roots));
}
