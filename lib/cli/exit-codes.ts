/** How the process ends. Documented in docs/cli.md and under every `--help`; they never change their meaning. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  config: 3,
  plugin: 4,
  listen: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each stands for, for the reader of `--help`. */
export const exitCodeMeanings: readonly (readonly [string, string])[] = [
  ['0', 'all went well, a stop that was asked for included'],
  ['1', 'something else went wrong'],
  ['2', 'the command line is wrong'],
  ['3', 'the configuration is wrong'],
  ['4', 'a plugin is not well that has to be'],
  ['5', 'a server cannot listen on its address'],
  ['130, 143', 'ended by a second SIGINT or SIGTERM'],
];

const byCode: Readonly<Record<string, ExitCode>> = {
  CLI_USAGE: exitCodes.usage,
  CLI_NO_HOOK: exitCodes.usage,
  CLI_NO_HALF: exitCodes.usage,
  CONFIG_INVALID: exitCodes.config,
  PLUGIN_REQUIRED_FAILED: exitCodes.plugin,
  PLUGIN_NOT_RELOADED: exitCodes.plugin,
  NETWORK_ADDRESS_IN_USE: exitCodes.listen,
  NETWORK_CANNOT_LISTEN: exitCodes.listen,
  RECEIVER_CANNOT_LISTEN: exitCodes.listen,
};

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return byCode[code] ?? exitCodes.failed;
}
