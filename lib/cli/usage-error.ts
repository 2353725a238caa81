import { nearest } from '../config/issue.ts';
import { GatewayDError } from '../errors.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { cliErrors } from './errors.ts';
import { commonFlags } from './flags.ts';

/** The error for a command line that cannot be understood, from what yargs says about it. */
export function usageError(message: string, args: readonly string[]): GatewayDError {
  const words = commandWords(args);
  return new GatewayDError(cliErrors.CLI_USAGE, {
    reason: reasonFor(message, words, args),
    command: ['gatewayd', ...words].join(' '),
  });
}

function reasonFor(message: string, words: readonly string[], args: readonly string[]): string {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(message)?.[1];
  if (unknown !== undefined) {
    const explained = unknown.split(', ').map((word) => explainUnknown(word, words, args));
    return [...new Set(explained)].join('; ');
  }
  const valueless = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (valueless !== undefined) return `${flagAsWritten(valueless, args)} needs a value`;
  if (message.startsWith('Not enough non-option arguments')) return `\`${words.join(' ')}\` needs a name`;
  return message;
}

/** The words of the command line that name a command, as far as they do. */
function commandWords(args: readonly string[]): string[] {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const known: string[] = [];
  for (const word of words.slice(0, 2)) {
    const prefix = [...known, word].join(' ');
    if (!commands.some(({ name }) => name === prefix || name.startsWith(`${prefix} `))) break;
    known.push(word);
  }
  return known;
}

function explainUnknown(word: string, words: readonly string[], args: readonly string[]): string {
  const flag = flagAsWritten(word, args);
  const prefix = words.join(' ');
  if (flag !== word) {
    const command = commands.find(({ name }) => name === prefix);
    return `There is no flag ${flag}${command === undefined ? '' : ` of \`${prefix}\``}${hint(flag.replace(/^--no-/, '--'), flagsOf(command))}`;
  }
  const next = commands
    .map(({ name }) => name)
    .filter((name) => prefix === '' || name.startsWith(`${prefix} `))
    .map((name) => name.split(' ')[words.length] ?? '');
  if (next.length === 0) return `\`${prefix}\` takes no '${word}'`;
  return `There is no command '${[...words, word].join(' ')}'${hint(word, [...next, ...(prefix === '' ? ['completion'] : [])])}`;
}

function flagsOf(command: Command | undefined): string[] {
  const flags = { ...commonFlags, ...command?.flags };
  return ['--help', '--version', ...Object.keys(flags).map((name) => `--${name}`)];
}

function hint(word: string, candidates: readonly string[]): string {
  const best = nearest(word, candidates);
  return best === undefined ? '' : `; did you mean ${best}?`;
}

/** `--name` or `-n` where that is how it was written; the word itself where it was no flag. */
function flagAsWritten(word: string, args: readonly string[]): string {
  const written = args.map((arg) => arg.replace(/=.*$/s, ''));
  return [`--${word}`, `-${word}`, `--no-${word}`].find((flag) => written.includes(flag)) ?? word;
}
