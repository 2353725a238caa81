import type { Argv } from 'yargs';
import { booleanFlags } from './boolean-flags.ts';
import type { Command, FlagValues } from './command.ts';
import { commands, groups } from './commands.ts';
import { exitCodeMeanings } from './exit-codes.ts';
import { commonFlags } from './flags.ts';
import { widthOf } from './terminal.ts';
import { usageError } from './usage-error.ts';
import { versionText } from './version-text.ts';
import { yargs } from './yargs.ts';

/** What a command line asks for. */
export interface Parsed {
  readonly command: Command;
  readonly flags: FlagValues<typeof commonFlags>;
  readonly values: readonly string[];
}

const epilogue = ['Exit codes:', ...exitCodeMeanings.map(([code, meaning]) => `  ${code.padEnd(10)}${meaning}`)].join(
  '\n',
);

/**
 * Reads a command line. Null when it asked for help (by saying nothing, too), the version or completion, which
 * have been printed by then.
 * @throws {GatewayDError} CLI_USAGE, with the nearest right word
 */
export async function parse(args: readonly string[]): Promise<Parsed | null> {
  let parsed: Parsed | null = null;
  const parser = yargs([])
    .scriptName('gatewayd')
    .usage('$0 <command>\n\nHosts plugins around a PostgreSQL gateway.')
    .locale('en')
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .options(commonFlags)
    .help('help', 'Show help')
    .alias('help', 'h')
    .version('version', 'Print the version', versionText())
    .epilogue(epilogue)
    .wrap(Math.min(100, widthOf(process.stdout)))
    .demandCommand(1, 'Which command?')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw usageError(error instanceof Error ? error.message : message, args);
    });
  const choose = (command: Command) => (argv: Record<string, unknown>) => {
    const { [command.values?.name ?? '']: values = [], ...given } = argv;
    // A flag that is given twice counts as it was given last.
    const flags = Object.entries(given).map(([name, value]) => [name, Array.isArray(value) ? value.at(-1) : value]);
    parsed = { command, flags: Object.fromEntries(flags) as Parsed['flags'], values: values as readonly string[] };
  };
  addCommands(parser, choose);
  parser.completion('completion', 'Print a script for bash and zsh that completes commands');
  await parser.parseAsync(args.length === 0 ? ['--help'] : booleanFlags(args));
  return checked(parsed, args);
}

type Choose = (command: Command) => (argv: Record<string, unknown>) => void;

function addCommands(parser: Argv, choose: Choose): void {
  const known = new Set<string>();
  for (const command of commands) {
    const [group = '', second] = command.name.split(' ');
    if (second === undefined) addCommand(parser, command.name, command, choose);
    else if (!known.has(group)) addGroup(parser, group, choose);
    known.add(group);
  }
}

function addGroup(parser: Argv, group: string, choose: Choose): void {
  parser.command(group, groups[group] ?? '', (inner) => {
    for (const command of commands) {
      const [first, second] = command.name.split(' ');
      if (first === group && second !== undefined) addCommand(inner, second, command, choose);
    }
    return inner.demandCommand(1, `${group} what?`).epilogue(epilogue);
  });
}

function addCommand(parser: Argv, word: string, command: Command, choose: Choose): void {
  const { values } = command;
  parser.command(
    values === undefined ? word : `${word} ${values.optional === true ? `[${values.name}..]` : `<${values.name}..>`}`,
    command.describe,
    (inner) => {
      if (values !== undefined) inner.positional(values.name, { describe: values.describe, type: 'string' });
      for (const [line, what] of command.examples ?? []) inner.example(line, what);
      return inner.options(command.flags).epilogue(epilogue);
    },
    choose(command),
  );
}

/** yargs takes a flag with nothing behind it for an empty text, and `--no-config` for a config called false. */
function checked(parsed: Parsed | null, args: readonly string[]): Parsed | null {
  const values: Readonly<Record<string, unknown>> = parsed?.flags ?? {};
  for (const [name, { type }] of Object.entries(parsed?.command.flags ?? {})) {
    const value = values[name];
    if (type !== 'string' || value === undefined) continue;
    if (typeof value !== 'string' || value === '') throw usageError(`--${name} needs a value`, args);
  }
  return parsed;
}
