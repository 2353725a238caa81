import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadedPlugin } from '../../lib/index.ts';

/** A folder or file whose frames may be named, and what stands for it on the wire. */
interface Root {
  readonly path: string;
  readonly name: string;
}

/** A stack frame as Sentry's parser gives it; the members that are used. */
export interface RawFrame {
  readonly filename?: string | undefined;
  readonly function?: string | undefined;
  readonly lineno?: number | undefined;
  readonly colno?: number | undefined;
}

/** A stack frame as it is sent. */
export interface SafeFrame {
  filename: string;
  function: string;
  in_app: boolean;
  lineno?: number;
  colno?: number;
}

const elsewhere = 'app:///elsewhere';

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** gatewayd's own code and nothing beside it: in a clone the folder above may hold anything. */
const own: readonly Root[] = ['lib', 'proto'].map((folder) => ({
  path: realPath(fileURLToPath(new URL(`../../${folder}`, import.meta.url))),
  name: `app:///gatewayd/${folder}`,
}));

function pathOf(filename: string): string {
  const plain = filename.replace(/[?#].*$/s, '');
  try {
    return plain.startsWith('file:') ? fileURLToPath(plain) : plain;
  } catch {
    return '';
  }
}

function beneath(root: Root, file: string): string | null {
  const relative = path.relative(root.path, file);
  if (relative === '') return `${root.name}/${path.basename(file)}`;
  if (relative.startsWith('..') || path.isAbsolute(relative)) return null;
  const segments = relative.split(path.sep);
  return segments.includes('node_modules') ? elsewhere : [root.name, ...segments].join('/');
}

function safeFilename(filename: string, roots: readonly Root[]): string {
  if (/^node:[\w/]+$/.test(filename)) return filename;
  const file = pathOf(filename);
  if (!path.isAbsolute(file)) return elsewhere;
  for (const root of roots) {
    const name = beneath(root, file);
    if (name !== null) return name;
  }
  return elsewhere;
}

/** Function names are code, but an object's key can become one, and may be anything. */
const functionName = /^(?:async |new |get |set )?[A-Za-z_$<#][\w$.<>#]{0,127}(?: \[as [A-Za-z_$#][\w$#]{0,127}\])?$/;

function safeFunction(name: string | undefined): string {
  return name !== undefined && functionName.test(name) ? name : '?';
}

/**
 * Makes what rewrites stack frames for the wire: paths below a plugin become `app:///plugins/<name>/…`, those below
 * gatewayd `app:///gatewayd/…`, Node's own stay, and of all others nothing is left.
 * @param plugins may grow
 */
export function frameRewriter(plugins: readonly LoadedPlugin[]): (frames: readonly RawFrame[]) => SafeFrame[] {
  return (frames) => {
    const roots: Root[] = plugins.map((plugin) => ({
      path: plugin.path,
      name: `app:///plugins/${plugin.name}`,
    }));
    roots.push(...own);
    return frames.map((frame) => {
      const filename = safeFilename(frame.filename ?? '', roots);
      return {
        filename,
        function: safeFunction(frame.function),
        in_app: filename.startsWith('app:///') && filename !== elsewhere,
        ...(Number.isInteger(frame.lineno) && { lineno: frame.lineno as number }),
        ...(Number.isInteger(frame.colno) && { colno: frame.colno as number }),
      };
    });
  };
}
