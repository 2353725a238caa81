import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { cleanEnvironment, GatewayDProcess } from './gatewayd-process.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/telemetry/${name}`, import.meta.url));

/** What to run gatewayd with. */
export interface TelemetryRun {
  /** `config` of the telemetry plugin's row; without it there is no row. */
  readonly telemetry?: object;
  /** The plugin `failing` fails in its `apply`, before anything listens. */
  readonly early?: boolean;
  /** The plugin `failing` ends the process once it has started, whatever gatewayd does. */
  readonly doomed?: boolean;
  /** The plugin `failing` says so when a server is about to listen. */
  readonly chatty?: boolean;
  /** `host:port` of a database; none that is there unless it is given. */
  readonly database?: string;
  readonly flags?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** A real gatewayd with one plugin, `failing`, which fails on SIGUSR2; there is no database. */
export class TelemetryProcess extends GatewayDProcess {
  readonly #directory: string;

  constructor(run: TelemetryRun) {
    const { telemetry, early = false, doomed = false, chatty = false, flags = [], environment = {} } = run;
    const directory = mkdtempSync(path.join(tmpdir(), 'gatewayd-telemetry-'));
    mkdirSync(path.join(directory, 'plugins'));
    copyFileSync(fixture('failing.mjs'), path.join(directory, 'plugins/failing.mjs'));
    const config = {
      clients: { default: { writes: { address: run.database ?? '127.0.0.1:1' } } },
      servers: { default: { address: '127.0.0.1:0' } },
      loggers: { default: { level: 'debug' } },
      plugins: [
        ...(telemetry === undefined ? [] : [{ name: 'telemetry', config: telemetry }]),
        { name: 'failing', config: { early, doomed, chatty } },
      ],
    };
    writeFileSync(path.join(directory, 'gatewayd.yaml'), stringify(config));
    super(['run', '-c', path.join(directory, 'gatewayd.yaml'), ...flags], {
      environment: cleanEnvironment({
        // What it keeps of its user's is not to come into the home of whoever runs the specs.
        XDG_STATE_HOME: path.join(directory, 'state'),
        NODE_OPTIONS: `--import ${pathToFileURL(fixture('watched.mjs')).href}`,
        ...environment,
      }),
    });
    this.#directory = directory;
  }

  async ready(): Promise<this> {
    await this.line(({ msg }) => msg === 'ready');
    return this;
  }

  /** Resolves once it connects to anything. */
  async connecting(): Promise<void> {
    await this.line(({ msg }) => msg === 'connecting');
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
