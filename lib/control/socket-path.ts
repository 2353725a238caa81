import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What the place of a control socket is derived from. */
export interface SocketPlace {
  /** Absolute path of the configuration; null without one. */
  readonly configFile: string | null;
  /** What relative paths are relative to. */
  readonly directory: string;
  /** `pluginHost.controlSocket`: empty for a place that is derived, `off` for none, else a path. */
  readonly setting: string;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Where the control socket of the gatewayd with a configuration can be, the first choice first; none where it is
 * turned off. The same for the gatewayd that runs and for a command of the same user that looks for it: it is named for
 * the real path of the configuration, in a folder of the user's own.
 */
export function controlSocketPaths({ configFile, directory, setting, environment }: SocketPlace): readonly string[] {
  if (setting === 'off') return [];
  if (setting !== '') return [path.resolve(directory, setting)];
  const config = configFile ?? path.join(directory, 'gatewayd.yaml');
  const name = createHash('sha256').update(realOf(config)).digest('hex').slice(0, 16);
  // Elsewhere nobody is asked for the user's name: a container may run under a number that the system has no user for.
  const uid = process.getuid?.();
  if (uid === undefined) return [String.raw`\\.\pipe\gatewayd-${os.userInfo().username}-${name}`];
  const runtime = environment['XDG_RUNTIME_DIR'] ?? '';
  const folders = [
    ...(path.isAbsolute(runtime) ? [path.join(runtime, 'gatewayd')] : []),
    path.join(os.tmpdir(), `gatewayd-${uid}`),
  ];
  return folders.map((folder) => path.join(folder, `${name}.sock`));
}

function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
