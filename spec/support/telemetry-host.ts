import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import type { FailurePhase, LoadedPlugin } from '../../lib/hooks/loaded-plugin.ts';
import { createView } from '../../lib/hooks/view.ts';
import { silentLogger } from '../../lib/logger.ts';
import { FailureLog } from '../../lib/plugin/failure-log.ts';
import type { Deactivate, Host, Plugin } from '../../lib/plugin/plugin.ts';

/** A plugin to be known to the host: what of a loaded one telemetry looks at, and a way to make it fail. */
export class FakePlugin implements LoadedPlugin {
  readonly name: string;
  readonly version: string;
  readonly checksum: string;
  readonly path: string;
  readonly private: boolean;
  readonly errorReports: LoadedPlugin['errorReports'];
  readonly trust = 'locked';
  readonly generation = 1;
  readonly statistics: LoadedPlugin['statistics'] = new Map();
  readonly changes = [];
  readonly hooks: LoadedPlugin['hooks'];
  readonly #failures = new FailureLog((error) => {
    throw error;
  });

  constructor(
    name: string,
    given: Partial<Pick<LoadedPlugin, 'version' | 'checksum' | 'path' | 'private' | 'errorReports'>> = {},
  ) {
    this.name = name;
    this.version = given.version ?? '1.2.3';
    this.checksum = given.checksum ?? 'ab'.repeat(32);
    this.path = given.path ?? `/nowhere/plugins/${name}`;
    this.private = given.private ?? false;
    this.errorReports = given.errorReports ?? { to: 'all', sentryDsn: '' };
    this.hooks = { error: this.#failures.hook };
  }

  fail(error: unknown, hook: string | null = 'opening', phase: FailurePhase = 'hook'): void {
    this.#failures.add({ error, plugin: this.name, version: this.version, hook, phase, generation: 1, suppressed: 0 });
  }
}

/** A host of one plugin, on the real bus, seen through the plugin's own view of it. */
export class TelemetryHost {
  readonly bus: Hooks = createHooks();
  readonly plugins: FakePlugin[] = [];
  readonly #visitors: ((plugin: LoadedPlugin) => void)[] = [];

  constructor(plugins: readonly FakePlugin[] = []) {
    for (const plugin of plugins) this.add(plugin);
  }

  add(plugin: FakePlugin): void {
    this.plugins.push(plugin);
    for (const visit of this.#visitors) visit(plugin);
  }

  /** Applies a plugin with this `config`. */
  async apply<Config>(plugin: Plugin<Config>, config: Config): Promise<Deactivate> {
    const self = new FakePlugin('telemetry', { version: '1.0.0' });
    this.add(self);
    const { plugins } = this;
    const host: Host<Config> = {
      version: '1.0.0',
      plugin: self,
      config,
      hooks: createView(this.bus, {
        name: self.name,
        onError: 'skip',
        timeout: 5_000,
        timeouts: {},
        generation: 1,
        breaker: { failures: 0, ratio: 1, window: 1, pause: 1, maxPause: 1 },
        active: true,
        changed: () => {},
        breakerChanged: () => {},
        fail: (error, { hook, phase }) => self.fail(error, hook, phase),
        scope: () => ({ call: (call, value) => call(value) }),
      }),
      logger: silentLogger(),
      plugins: {
        get: (name) => plugins.find((other) => other.name === name),
        each: (visit) => {
          this.#visitors.push(visit);
          for (const other of plugins) visit(other);
        },
        [Symbol.iterator]: () => plugins[Symbol.iterator](),
      },
      reportError: (error, context) => self.fail(error, context?.hook ?? null, 'reported'),
      emit: (name, data) => void this.bus.hook.promise({ name, data }),
    };
    return (await plugin.apply(host)) ?? (() => {});
  }

  /** What happens when the servers listen. */
  async startup(devMode = false): Promise<void> {
    const { plugins } = this;
    await this.bus.startup.promise({ version: '1.0.0', runtimeVersion: process.version, devMode, plugins });
  }
}

/** A whole `config` of the telemetry plugin with all of it off, to be changed. */
export function telemetryConfig(given: { usageReport?: object; sentry?: object }) {
  return {
    usageReport: {
      enabled: false,
      address: 'localhost:59091',
      tls: false,
      caFile: '',
      plugins: 'all' as const,
      ...given.usageReport,
    },
    sentry: { enabled: false, dsn: '', environment: 'production', messages: false, ...given.sentry },
  };
}
