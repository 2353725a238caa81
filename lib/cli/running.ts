import { configSources } from './flags.ts';

/** The flags by which the running gatewayd is found. */
interface RunningFlags {
  readonly config?: string | undefined;
  readonly 'plugin-config'?: string | undefined;
}

/**
 * Asks the gatewayd that runs with the configuration the flags name.
 * @throws {GatewayDError} CONTROL_NOBODY, CONTROL_DOUBTFUL, CONTROL_BROKEN, or what that gatewayd answers
 */
export async function askRunning<Answer>(
  flags: RunningFlags,
  command: string,
  values: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const [{ readConfig }, { askGatewayd }, { controlSocketPaths }, path] = await Promise.all([
    import('../config/read-config.ts'),
    import('../control/ask.ts'),
    import('../control/socket-path.ts'),
    import('node:path'),
  ]);
  const sources = configSources(flags);
  // A configuration that is wrong just now still has a place: what runs was started with an earlier one.
  const { config, found } = await readConfig(sources);
  // One that is named and not there is not looked for elsewhere: another gatewayd than was meant would answer.
  const isNamed = sources.configFileGiven === true;
  const configFile = found.configFile || isNamed ? path.resolve(sources.configFile) : null;
  const setting = config?.pluginHost.controlSocket ?? '';
  const paths = controlSocketPaths({
    configFile,
    directory: configFile === null ? process.cwd() : path.dirname(configFile),
    setting,
    environment: process.env,
  });
  return (await askGatewayd({
    paths,
    derived: setting === '',
    config: configFile ?? `the defaults, in ${process.cwd()} where there is no gatewayd.yaml`,
    command,
    values,
  })) as Answer;
}
