/**
 * What can hold a `$1` that is no parameter, and the parameters: string constants (with backslash escapes after E),
 * quoted identifiers, dollar-quoted strings, comments (a block comment may hold others), identifiers with a `$` in them.
 */
const tokens =
  /\bE'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<tag>\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[^]*?\k<tag>|--[^\n\r]*|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|\$(?<number>\d+)|(?<comment>\/\*)/giu;

/** The number of parameters SQL text takes: the highest `$n` in it. */
export function countParameters(sql: string): number {
  if (!sql.includes('$')) return 0;
  let count = 0;
  tokens.lastIndex = 0;
  for (let token = tokens.exec(sql); token !== null; token = tokens.exec(sql)) {
    const { number, comment } = token.groups ?? {};
    if (number !== undefined) count = Math.max(count, Number(number));
    if (comment !== undefined) tokens.lastIndex = endOfComment(sql, token.index);
  }
  return Math.min(count, 0xffff);
}

function endOfComment(sql: string, start: number): number {
  const edges = /\/\*|\*\//g;
  edges.lastIndex = start;
  let depth = 0;
  for (let edge = edges.exec(sql); edge !== null; edge = edges.exec(sql)) {
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return edges.lastIndex;
  }
  return sql.length;
}
