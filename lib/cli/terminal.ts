import { stripVTControlCharacters, styleText } from 'node:util';

/** What is known of where text is going to be read. */
export interface Terminal {
  /** In columns. */
  readonly width: number;
  readonly colours: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** A stream as a terminal: no colours where it is none, or where `NO_COLOR` is set. */
export function terminalOf(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv = process.env): Terminal {
  const colours = stream.isTTY && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
  return { width: stream.isTTY ? widthOf(stream) : 100, colours };
}

/** The width in columns; of a terminal that does not know its own, which is common for those without a person, 80. */
export function widthOf({ columns }: { readonly columns?: number }): number {
  return columns === undefined || columns === 0 ? 80 : columns;
}

/** The text in a style, where there are colours. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.colours ? styleText(style, text) : text;
}

/** Text of somebody else's, without anything that a terminal would obey. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is to be taken out
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
}

/** Breaks text between words, each line but the first indented; a word that is too long gets a line of its own. */
export function wrapped(text: string, { width }: Terminal, indent: number): string {
  const room = Math.max(20, width - indent);
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
