import type { InferredOptionTypes, Options } from 'yargs';
import type { commonFlags } from './flags.ts';

/** Flags by their long names, as they are written after the two dashes. */
export type Flags = Readonly<Record<string, Options>>;

/** What the command line says for each flag; undefined where it says nothing and there is no default. */
export type FlagValues<F extends Flags> = InferredOptionTypes<F & typeof commonFlags>;

/** A command of the launcher. */
export interface Command<F extends Flags = Flags> {
  /** Its words, such as `config lint`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly describe: string;
  /** What follows the words: one or more, or any number where they are optional. */
  readonly values?: { readonly name: string; readonly describe: string; readonly optional?: boolean };
  /** Those of its own, besides the common ones. */
  readonly flags: F;
  readonly examples?: readonly (readonly [command: string, what: string])[];
  /**
   * Does what the command is for; what it takes to do so is imported here and not before.
   * @returns the exit code
   */
  run(flags: FlagValues<F>, values: readonly string[]): number | Promise<number>;
}

/** Gives the command back; it is there for the types of the flags that `run` gets. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command {
  return command;
}
