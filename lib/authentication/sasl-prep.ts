/** Spaces that are not the ASCII one (RFC 3454, table C.1.2), which become it. */
const otherSpaces = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/gu;
/** Characters commonly mapped to nothing (table B.1). */
const nothing = /\u034F|\u180B|\u180C|\u180D|\u200C|\u200D|[\uFE00-\uFE0F]|[\u00AD\u1806\u2060\uFEFF]/gu;
/** Tables C.2 to C.9: control, private use, no characters, surrogates, unfit for plain text, display, tagging. */
const prohibited =
  /\p{Cc}|\p{Co}|\p{Cs}|\p{Noncharacter_Code_Point}|\u0340|\u0341|[\u06DD\u070F\u180E\u200E\u200F\u2028-\u202E\u2061-\u2063\u206A-\u206F\u2FF0-\u2FFB\uFFF9-\uFFFD]|[\u{1D173}-\u{1D17A}]|[\u{E0001}\u{E0020}-\u{E007F}]/u;
const unassigned = /\p{Cn}/u;
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const atBothEnds = new RegExp(`^${rightToLeft.source}(?:.*${rightToLeft.source})?$`, 'su');
const leftToRight = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}]/u;

/**
 * Prepares a password as PostgreSQL does (SASLprep, RFC 4013): what cannot be prepared stays as it is. "Unassigned"
 * is what this Node.js's Unicode has no character for, not Unicode 3.2's; it makes a difference only to a password
 * that mixes characters younger than 2002 with ones that have a compatibility form.
 */
export function saslPrep(password: string): string {
  // By far the most passwords, and nothing can happen to them.
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const prepared = password.replaceAll(otherSpaces, ' ').replaceAll(nothing, '').normalize('NFKC');
  if (prepared === '' || prohibited.test(prepared) || unassigned.test(prepared)) return password;
  return directionsFit(prepared) ? prepared : password;
}

/** RFC 3454, section 6: text from right to left begins and ends so and has none from left to right. */
function directionsFit(text: string): boolean {
  if (!rightToLeft.test(text)) return true;
  return atBothEnds.test(text) && !leftToRight.test(text);
}
