import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type { GatewayD } from '../gatewayd.ts';
import type { Logger } from '../logger.ts';
import { exitCodes } from './exit-codes.ts';

/** One key press can reach us twice: from the terminal, and from npm, which passes it on. */
const sameKeyPressMilliseconds = 200;
/** How long an error that ends the process may take to be reported. */
const reportMilliseconds = 1_000;

const numbers = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Resolves when the process is asked to stop: by SIGINT or SIGTERM, or by a terminal that closes. Asked once more, it
 * ends at once. Away from a terminal SIGHUP reloads the configuration and the plugins.
 */
export function askedToStop(gatewayd: GatewayD, logger: Logger): Promise<NodeJS.Signals> {
  // Looked at now: a terminal that has closed is none any more.
  const atTerminal = isatty(0);
  return new Promise((resolve) => {
    let asked: number | undefined;
    const stop = (signal: NodeJS.Signals, number: number): void => {
      if (asked !== undefined) {
        if (performance.now() - asked > sameKeyPressMilliseconds) gatewayd.host.exit(128 + number);
        return;
      }
      asked = performance.now();
      logger.info({ signal }, 'stopping; the same signal again ends it at once');
      resolve(signal);
    };
    process.on('SIGINT', () => stop('SIGINT', numbers.SIGINT));
    process.on('SIGTERM', () => stop('SIGTERM', numbers.SIGTERM));
    process.on('SIGHUP', () => {
      if (atTerminal) stop('SIGHUP', numbers.SIGTERM);
      else void gatewayd.signal('SIGHUP').then(() => gatewayd.reloadAndLog());
    });
  });
}

/** Makes an error that nobody caught end the process, logged and reported first. A plugin's stays with the plugin. */
export function endOnUncaught(gatewayd: GatewayD, logger: Logger): void {
  let ending = false;
  const end: Parameters<typeof gatewayd.host.containUncaught>[0] = (uncaught, origin) => {
    if (ending) return;
    ending = true;
    logger.fatal({ err: uncaught, origin }, 'an error that nobody caught ends the process');
    const reported = gatewayd.report(uncaught, true).catch(() => {});
    void Promise.race([reported, delay(reportMilliseconds)]).then(() => gatewayd.host.exit(exitCodes.failed));
  };
  gatewayd.host.containUncaught(end, (doomed, from) => {
    logger.fatal({ err: doomed, ...from }, 'an error that nobody may catch ends the process');
    // What telemetry does before the first time it waits is all there is time for.
    void gatewayd.report(doomed, true, from).catch(() => {});
  });
}
