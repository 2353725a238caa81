import { stripVTControlCharacters } from 'node:util';

/** The columns a text takes on a terminal, where each character takes one: stands in for `string-width` in the bundle. */
export default function textWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}
