import { isolatedRunner } from '../../lib/isolation/isolated-runner.ts';
import type { IsolationOptions } from '../../lib/isolation/isolation-options.ts';
import type { PluginHost } from '../../lib/plugin/host.ts';
import type { PluginHostOptions } from '../../lib/plugin/options.ts';
import { PluginBed, pluginRow, type LogLine } from './plugins.ts';
import { until } from './until.ts';

/** Where a plugin can run that does not run in this process. */
export const isolations = ['worker', 'process'] as const;

/** A plugins folder whose plugins run in threads or processes of their own. */
export class GuestBed extends PluginBed {
  #hold: NodeJS.Timeout = setInterval(() => undefined, 1_000);

  /** A host with one plugin, written here, in such a place. */
  async guest(
    isolation: 'none' | 'worker' | 'process',
    source: string,
    {
      row = {},
      guests = {},
      ...options
    }: Partial<PluginHostOptions> & {
      readonly row?: Partial<ReturnType<typeof pluginRow>>;
      readonly guests?: Partial<IsolationOptions>;
    } = {},
  ): Promise<PluginHost> {
    this.write('guest.js', source);
    return this.load({
      rows: [pluginRow({ name: 'guest', isolation, ...row })],
      runners: this.runners(guests, options.timeout ?? 1_000),
      ...options,
    });
  }

  runners(guests: Partial<IsolationOptions> = {}, timeout = 1_000): NonNullable<PluginHostOptions['runners']> {
    return async (isolation) =>
      isolation === 'none'
        ? undefined
        : isolatedRunner(isolation, {
            logger: this.options().logger,
            timeout,
            startTimeout: 15_000,
            healthCheckPeriod: 5_000,
            reloadOnCrash: true,
            ...guests,
          });
  }

  /** Waits for a line of the log with that code or that text. */
  async line(codeOrMessage: string): Promise<LogLine> {
    const find = (): LogLine | undefined =>
      this.log.find((line) => line['code'] === codeOrMessage || line.msg === codeOrMessage);
    await until(() => find() !== undefined);
    return find() as LogLine;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    clearInterval(this.#hold);
  }
}
