import { distance } from 'fastest-levenshtein';

/** Steps from the top of the configuration to a value: keys, and indices of lists. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong, or not as its writer may think, in the configuration. */
export interface ConfigIssue {
  /** The file; for an environment variable its name. Null for a configuration that came from no file. */
  readonly file: string | null;
  /** Counted from 1; null where there is no line, as in an environment variable. */
  readonly line: number | null;
  /** Counted from 1. */
  readonly column: number | null;
  /** The key, its steps joined by dots, as in `clients.default.writes.address`; empty for the whole. */
  readonly path: string;
  /** What is wrong, as the rest of a sentence. */
  readonly reason: string;
  /** What was probably meant. */
  readonly nearest?: string;
  /** An error makes the configuration unusable; a warning does not. */
  readonly severity: 'error' | 'warning';
}

/** One thing that is wrong with the `config` in a plugin's row, by that plugin's schema. */
export interface PluginConfigFault {
  /** Below `config`. */
  readonly path: ConfigPath;
  /** A key that is one too many, or a value. */
  readonly at: 'key' | 'value';
  /** The rest of a sentence that starts with the path. */
  readonly reason: string;
}

/** A path as people write it. */
export function pathText(path: ConfigPath): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}

/** The candidate that a mistyped word was probably meant to be, or none when all are too far from it. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const tolerated = Math.max(2, Math.floor(word.length / 3));
  const ranked = candidates
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best !== undefined && best.far <= tolerated ? best.candidate : undefined;
}
