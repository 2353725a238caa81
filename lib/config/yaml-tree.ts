import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';
import type { ConfigIssue, ConfigPath } from './issue.ts';
import type { Locate } from './sources.ts';
import { isTree, type Tree } from './tree.ts';

const mostValues = 100_000;
const deepestNesting = 100;
const mostAliases = 1000;
// One fault of the syntax makes others; those after the first few tell nobody anything.
const mostFaults = 5;
// A key of these names would reach into the prototypes of JavaScript's objects.
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** What one YAML text holds. */
export interface YamlTree {
  /** Null where the text is too broken to tell what it says. */
  readonly tree: Tree | null;
  readonly locate: Locate;
  readonly issues: readonly ConfigIssue[];
}

function reasonOf(error: YAMLError, text: string): string {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
    return `the key ${key} stands here twice; each may be given once`;
  }
  if (error.code === 'MULTIPLE_DOCS') return 'a second document starts here (---); only one is read';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'this tag (!) has no meaning here';
  if (error.code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML takes spaces only';
  if (error.code === 'NON_STRING_KEY') return 'a key must be plain text';
  if (error.message.includes('call stack')) return 'nested too deeply';
  return `not valid YAML: ${error.message.split('\n')[0] ?? ''}`;
}

/** What the syntax allows and a configuration does not. Takes such keys out of the document, so that the rest can be checked. */
class Inspection {
  readonly problems: { readonly offset: number; readonly reason: string }[] = [];
  readonly #sizes = new Map<Node, number>();
  readonly #open = new Set<Node>();
  /** What each anchor names by now. Node.resolve() walks through all of the text for each alias. */
  readonly #anchors = new Map<string, Node>();
  #aliases = 0;
  /** Set where following the aliases would not end, or not soon. */
  bottomless = false;

  constructor(document: Document) {
    this.#sizeOf(document.contents, 0);
  }

  #problem(node: unknown, reason: string): void {
    this.problems.push({ offset: (node as Node | null)?.range?.[0] ?? 0, reason });
  }

  #stop(node: unknown, reason: string): number {
    if (!this.bottomless) this.#problem(node, reason);
    this.bottomless = true;
    return 0;
  }

  /** How many values there are once aliases are written out; each anchored node is counted once, however often it is named. */
  #sizeOf(node: unknown, depth: number): number {
    if (this.bottomless) return 0;
    if (depth > deepestNesting) return this.#stop(node, `nested more than ${deepestNesting} levels deep`);
    if (isAlias(node)) return this.#sizeOfAlias(node, depth);
    this.#noteAnchor(node);
    if (isScalar(node) && typeof node.value === 'number' && !Number.isFinite(node.value)) {
      this.#problem(node, 'must be a finite number; NaN and infinity are none');
      node.value = 0;
    }
    if (!isCollection(node)) return 1;
    this.#open.add(node);
    if (isMap(node)) node.items = node.items.filter((pair) => this.#acceptsKey(pair));
    let size = 1;
    for (const item of node.items) size += this.#sizeOf(isPair(item) ? item.value : item, depth + 1);
    this.#open.delete(node);
    this.#sizes.set(node, size);
    return size > mostValues
      ? this.#stop(node, `holds more than ${mostValues} values once its aliases (*) are written out`)
      : size;
  }

  #sizeOfAlias(node: unknown, depth: number): number {
    this.#aliases += 1;
    if (this.#aliases > mostAliases) return this.#stop(node, `there are more than ${mostAliases} aliases (*)`);
    const target = isAlias(node) ? this.#anchors.get(node.source) : undefined;
    if (target === undefined) return this.#stop(node, 'this alias (*) names no anchor (&) before it');
    if (this.#open.has(target)) return this.#stop(node, 'this alias (*) stands inside the very thing it names');
    return this.#sizes.get(target) ?? this.#sizeOf(target, depth + 1);
  }

  #noteAnchor(node: unknown): void {
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
  }

  #acceptsKey({ key }: Pair): boolean {
    this.#noteAnchor(key);
    if (isScalar(key) && forbiddenKeys.has(String(key.value))) {
      this.#problem(key, `the key ${String(key.value)} is not allowed`);
      return false;
    }
    if (isScalar(key) && key.value !== null) return true;
    this.#problem(key, 'a key must be plain text');
    return false;
  }
}

function stepInto(
  document: Document,
  node: unknown,
  step: string | number,
): { key: unknown; value: unknown } | undefined {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(target) && typeof step === 'number' && step < target.items.length) {
    return { key: target.items[step], value: target.items[step] };
  }
  if (!isMap(target)) return undefined;
  return target.items.find(({ key }) => isScalar(key) && String(key.value) === step);
}

function offsetOf(document: Document, path: ConfigPath, part: 'key' | 'value'): number {
  let key: unknown = document.contents;
  let value: unknown = document.contents;
  for (const step of path) {
    const next = stepInto(document, value, step);
    if (next === undefined) break;
    ({ key, value } = next);
  }
  // Something that is written below its key, or not at all, is better shown by its key.
  const shown = part === 'key' || !isScalar(value) || value.value === null ? key : value;
  return (shown as Node | null)?.range?.[0] ?? 0;
}

/**
 * Reads YAML 1.2 (core schema, with anchors, aliases and merge keys) into plain objects, refusing what has no place in a
 * configuration: more than one document, keys twice, keys that reach into prototypes, NaN and infinities, unknown tags,
 * and anchors that expand without end. Never throws, whatever the text.
 */
export function readYaml(text: string, file: string): YamlTree {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const issueAt = (offset: number, reason: string): ConfigIssue => ({
    ...place(offset),
    path: '',
    reason,
    severity: 'error',
  });
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      schema: 'core',
      merge: true,
      stringKeys: true,
      resolveKnownTags: false,
      logLevel: 'error',
    });
    const faults = [...document.errors, ...document.warnings];
    const issues = faults.slice(0, mostFaults).map((error) => issueAt(error.pos[0], reasonOf(error, text)));
    const locate: Locate = (path, part) => place(offsetOf(document, path, part));
    if (faults.some((error) => error.code !== 'DUPLICATE_KEY')) return { tree: null, locate, issues };
    const inspection = new Inspection(document);
    issues.push(...inspection.problems.map(({ offset, reason }) => issueAt(offset, reason)));
    if (inspection.bottomless) return { tree: null, locate, issues };
    const value: unknown = document.toJS({ maxAliasCount: -1 }) ?? {};
    if (!isTree(value))
      return { tree: null, locate, issues: [...issues, issueAt(0, 'must be keys and values at the top')] };
    return { tree: value, locate, issues };
  } catch (error) {
    const reason = error instanceof RangeError ? 'nested too deeply' : `not valid YAML: ${String(error)}`;
    return { tree: null, locate: () => place(0), issues: [issueAt(0, reason)] };
  }
}
