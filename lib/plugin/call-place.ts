import { lstatSync, readFileSync } from 'node:fs';

const longestFile = 4 * 1024 * 1024;
const keptPlaces = 256;
const known = new Map<string, boolean>();

/** What stands where V8 says that something was called or made; what stands elsewhere begins a statement. */
const call = /^(?:new\b|await\b|throw\b|super\b|this\b|[.([?]|#?[A-Za-z_$][\w$]*\s*(?:\?\.)?[.([`])/;
const statement = /^(?:import|export|const|let|var|function|class|async|if|for|while|do|return|switch|try)\b/;

function looksLikeCall(file: string, line: number, column: number): boolean {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > longestFile) return false;
    const lines = readFileSync(file, 'utf8').split('\n');
    const text = lines[line - 1]?.slice(column - 1) ?? '';
    return call.test(text) && !statement.test(text);
  } catch {
    return false;
  }
}

/**
 * Whether something can have been called at a place, `file:line:column`: a stack is a text, and anybody can write one.
 * Asked only where a stack and the asynchronous context name different owners.
 */
export function isCallPlace(place: string): boolean {
  const answer = known.get(place);
  if (answer !== undefined) return answer;
  const [, file = '', line = '0', column = '0'] = /^(.+):(\d+):(\d+)$/.exec(place) ?? [];
  const looks = looksLikeCall(file, Number(line), Number(column));
  if (known.size >= keptPlaces) known.clear();
  known.set(place, looks);
  return looks;
}
