/** What a parameter has to be told from: where strings, quoted names and comments begin, and whole identifiers. */
const tokens =
  /E'|'|"|--|\/\*|\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|\$(?<number>\d+)/gi;

/** What can end a string or name, or look as if it did, by how that begins. */
const edges: Readonly<Record<string, RegExp>> = {
  "E'": /\\[^]|''|'/g,
  "e'": /\\[^]|''|'/g,
  "'": /''|'/g,
  '"': /""|"/g,
  '--': /[\n\r]/g,
};

/**
 * The number of parameters SQL text takes: the highest `$n` that is not in a string, a name or a comment. Takes time
 * in proportion to the text's length, whatever the text is.
 */
export function countParameters(sql: string): number {
  let count = 0;
  tokens.lastIndex = 0;
  for (let token = tokens.exec(sql); token !== null; token = tokens.exec(sql)) {
    const [begin] = token;
    const number = token.groups?.['number'];
    if (number !== undefined) count = Math.max(count, Number(number));
    else tokens.lastIndex = endOf(begin, sql, tokens.lastIndex);
  }
  return Math.min(count, 0xffff);
}

/** Where what began ends; what never ends goes to the end of the text. */
function endOf(begin: string, sql: string, from: number): number {
  if (begin === '/*') return endOfComment(sql, from);
  if (begin.startsWith('$')) {
    const end = sql.indexOf(begin, from);
    return end === -1 ? sql.length : end + begin.length;
  }
  const edge = edges[begin];
  if (edge === undefined) return from;
  edge.lastIndex = from;
  for (let found = edge.exec(sql); found !== null; found = edge.exec(sql)) {
    // Two quotes are one quote of the text, and a backslash takes away the meaning of what follows.
    if (found[0].length === 1) return edge.lastIndex;
  }
  return sql.length;
}

/** A block comment may hold others. */
function endOfComment(sql: string, from: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  let depth = 1;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}
