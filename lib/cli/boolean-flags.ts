import { commands } from './commands.ts';
import { commonFlags } from './flags.ts';
import { usageError } from './usage-error.ts';

/** As Go's flags read them, and so GatewayD's. */
const words: Readonly<Record<string, boolean>> = { 1: true, t: true, true: true, 0: false, f: false, false: false };

/**
 * The arguments with the values of flags that are true or false spelled out. yargs would take any other word for
 * `false`, and a mistyped `--usage-report=flase` is not to be a guess.
 */
export function booleanFlags(args: readonly string[]): string[] {
  const names = new Set<string>();
  for (const { flags } of [{ flags: commonFlags }, ...commands]) {
    for (const [name, { type, alias }] of Object.entries(flags as (typeof commands)[number]['flags'])) {
      if (type !== 'boolean') continue;
      names.add(`--${name}`);
      if (typeof alias === 'string') names.add(`-${alias}`);
    }
  }
  return args.map((arg) => {
    const [, name = '', value = ''] = /^(--?[^=]+)=(.*)$/s.exec(arg) ?? [];
    if (!names.has(name)) return arg;
    const meant = Object.hasOwn(words, value.toLowerCase()) ? words[value.toLowerCase()] : undefined;
    if (meant === undefined) throw usageError(`${name} takes true or false, not '${value}'`, args);
    return `${name}=${meant}`;
  });
}
