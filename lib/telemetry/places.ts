import os from 'node:os';
import path from 'node:path';

/** The folders of the user's own that telemetry keeps files in; null where the user has no home. */
export interface TelemetryPlaces {
  /** What the user chose, and was told. */
  readonly choiceFile: string | null;
  /** What was ever sent; older parts of it lie beside it. */
  readonly logFile: string | null;
  /** What ended a process and has not been sent yet. */
  readonly crashFolder: string | null;
}

/** The XDG specification says that a relative path counts as none. */
function named(environment: NodeJS.ProcessEnv, name: string): string | null {
  const folder = environment[name];
  return folder !== undefined && path.isAbsolute(folder) ? folder : null;
}

function homeOf(environment: NodeJS.ProcessEnv): string | null {
  const home = named(environment, process.platform === 'win32' ? 'USERPROFILE' : 'HOME');
  if (home !== null) return home;
  try {
    // A process may run under a user that the system does not know.
    return os.userInfo().homedir;
  } catch {
    return null;
  }
}

function below(home: string | null, ...steps: readonly string[]): string | null {
  return home === null || !path.isAbsolute(home) ? null : path.join(home, ...steps);
}

function folders(environment: NodeJS.ProcessEnv, home: string | null): [config: string | null, state: string | null] {
  if (process.platform === 'win32') {
    return [
      named(environment, 'APPDATA') ?? below(home, 'AppData', 'Roaming'),
      named(environment, 'LOCALAPPDATA') ?? below(home, 'AppData', 'Local'),
    ];
  }
  const [config, state] =
    process.platform === 'darwin'
      ? [below(home, 'Library', 'Application Support'), below(home, 'Library', 'Logs')]
      : [below(home, '.config'), below(home, '.local', 'state')];
  return [named(environment, 'XDG_CONFIG_HOME') ?? config, named(environment, 'XDG_STATE_HOME') ?? state];
}

/**
 * Where telemetry's files are: `gatewayd/telemetry.json` in the folder for configuration, `gatewayd/telemetry.log` and
 * `gatewayd/crashes` in the one for state. These are `XDG_CONFIG_HOME` and `XDG_STATE_HOME` (`~/.config` and `~/.local/state`), on macOS
 * those below `~/Library`, on Windows `APPDATA` and `LOCALAPPDATA`.
 */
export function telemetryPlaces(environment: NodeJS.ProcessEnv): TelemetryPlaces {
  const [config, state] = folders(environment, homeOf(environment));
  return {
    choiceFile: below(config, 'gatewayd', 'telemetry.json'),
    logFile: below(state, 'gatewayd', 'telemetry.log'),
    crashFolder: below(state, 'gatewayd', 'crashes'),
  };
}
