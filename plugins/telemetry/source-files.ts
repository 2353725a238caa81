import { lstatSync, readFileSync } from 'node:fs';

const keptFiles = 16;
const largestFile = 4 * 1024 * 1024;

/** A file of code, to ask what is in it. */
export class SourceFile {
  readonly #text: string;
  readonly #lengths: readonly number[];

  constructor(text: string) {
    this.#text = text;
    this.#lengths = text.split('\n').map(({ length }) => length);
  }

  /** Whether there is such a place in it; both count from 1. */
  hasPlace(line: number, column: number): boolean {
    const length = this.#lengths[line - 1];
    return length !== undefined && column >= 1 && column <= length + 1;
  }

  hasWord(word: string): boolean {
    return this.#text.includes(word);
  }

  /** Whether a class of that name is declared in it, or an instance of one made. */
  hasClass(name: string): boolean {
    const escaped = name.replaceAll('$', String.raw`\$`);
    return new RegExp(String.raw`(?<![\w$])(?:class|function|new)\s+(?:[\w$]+\s*\.\s*)*${escaped}(?![\w$])`).test(
      this.#text,
    );
  }
}

interface Kept {
  readonly modified: number;
  readonly source: SourceFile;
}

const kept = new Map<string, Kept>();

/** The source in a file; null where there is no such file, or what is there is none: whatever a stack says can be made up. */
export function sourceFile(file: string): SourceFile | null {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > largestFile) return null;
    const known = kept.get(file);
    if (known?.modified === stat.mtimeMs) return known.source;
    const source = new SourceFile(readFileSync(file, 'utf8'));
    kept.delete(file);
    kept.set(file, { modified: stat.mtimeMs, source });
    if (kept.size > keptFiles) kept.delete(kept.keys().next().value as string);
    return source;
  } catch {
    return null;
  }
}
