import type { LoadedConfig } from '../config/load.ts';
import { ControlServer } from '../control/control-server.ts';
import { controlSocketPaths } from '../control/socket-path.ts';
import { hookCatalogue } from '../hooks/catalogue.ts';
import type { HookName } from '../hooks/hooks.ts';
import type { Logger } from '../logger.ts';
import { answerOf, type Reloaded, type ReloadRequest } from './reload.ts';
import type { Explained, Status } from './status.ts';

/** What the commands of the control socket are answered by. */
export interface Commanded {
  /** Settles when all plugins are loaded. */
  complete(): Promise<unknown>;
  reload(request: ReloadRequest): Promise<Reloaded>;
  status(): Status;
  explain(hook?: HookName): Explained;
}

/** Where commands are listened for. */
export interface CommandOptions {
  readonly loaded: Pick<LoadedConfig, 'configFile' | 'directory'>;
  /** `pluginHost.controlSocket` */
  readonly setting: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly logger: Logger;
}

/** Listens on the control socket; undefined where the configuration wants none. */
export async function listenForCommands(
  gatewayd: Commanded,
  { loaded: { configFile, directory }, setting, environment, logger }: CommandOptions,
): Promise<ControlServer | undefined> {
  const paths = controlSocketPaths({ configFile, directory, setting, environment });
  if (paths.length === 0) return undefined;
  const control = new ControlServer(
    {
      reload: async ({ plugins }) => answerOf(await gatewayd.reload(areNames(plugins) ? { plugins } : {})),
      status: async () => {
        await gatewayd.complete();
        return gatewayd.status();
      },
      explain: async ({ hook }) => {
        await gatewayd.complete();
        return gatewayd.explain(isHookName(hook) ? hook : undefined);
      },
    },
    logger,
  );
  await control.listen(paths);
  return control;
}

const areNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

const isHookName = (value: unknown): value is HookName =>
  typeof value === 'string' && Object.hasOwn(hookCatalogue, value);
