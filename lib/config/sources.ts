import type { ConfigIssue, ConfigPath, PluginConfigFault } from './issue.ts';
import { pathText } from './issue.ts';

/** Where something was written. */
export type Place = Pick<ConfigIssue, 'file' | 'line' | 'column'>;

/** Finds the place of a key or of its value in one source; the nearest thing around it where it was not written. */
export type Locate = (path: ConfigPath, part: 'key' | 'value') => Place;

/** Knows which source each part of the configuration came from, so that an issue can say where to look. */
export class Sources {
  readonly #locators = new Map<string, Locate>();

  /** From here on, `path` and all below it came from this source, where it stands below `inner`. */
  set(path: ConfigPath, locate: Locate, inner: ConfigPath = path): void {
    this.#locators.set(JSON.stringify(path), (whole, part) => locate([...inner, ...whole.slice(path.length)], part));
  }

  place(path: ConfigPath, part: 'key' | 'value' = 'value'): Place {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const found = this.#locators.get(JSON.stringify(path.slice(0, depth)));
      if (found !== undefined) return found(path, part);
    }
    return { file: null, line: null, column: null };
  }

  /** An issue about a path, placed. */
  issue(
    path: ConfigPath,
    severity: ConfigIssue['severity'],
    reason: string,
    hint?: { readonly nearest?: string | undefined; readonly at?: 'key' | 'value' },
  ): ConfigIssue {
    return {
      ...this.place(path, hint?.at),
      path: pathText(path),
      reason,
      ...(hint?.nearest === undefined ? {} : { nearest: hint.nearest }),
      severity,
    };
  }

  /** The issue that a fault in the `config` of a plugin's row is. */
  pluginIssue(row: number, { path, at, reason }: PluginConfigFault): ConfigIssue {
    return this.issue(['plugins', row, 'config', ...path], 'error', reason, { at });
  }
}
