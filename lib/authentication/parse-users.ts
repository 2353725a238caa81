/** A line of a users file that says nothing. */
const silent = /^\s*(?:[#;].*)?$/;
const entry = /^\s*"((?:[^"]|"")*)"\s+"((?:[^"]|"")*)"\s*$/;

/**
 * Reads a users file, which is what PgBouncer's `auth_file` is: a line a user, `"name" "secret"`, a quote within
 * written twice; empty lines and those that begin with `#` or `;` say nothing.
 * @returns secrets by name
 * @throws {Error} naming the line that is none, and never what it says: it may be a password
 */
export function parseUsers(text: string): Map<string, string> {
  const users = new Map<string, string>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (silent.test(line)) continue;
    const [, name, secret] = (entry.exec(line) ?? []).map((part) => part.replaceAll('""', '"'));
    if (name === undefined || secret === undefined) throw new Error(`line ${index + 1} is not "name" "secret"`);
    if (name === '' || line.includes('\0')) throw new Error(`line ${index + 1} has no name, or a NUL in it`);
    if (users.has(name)) throw new Error(`line ${index + 1} has a name that another line has, too`);
    users.set(name, secret);
  }
  return users;
}
