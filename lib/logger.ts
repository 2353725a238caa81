import { pino } from 'pino';

/**
 * A structured logger: `logger.info({ some: 'fields' }, 'a sentence')`. Levels are trace, debug, info, warn, error
 * and fatal. `logger.child({ plugin: 'name' })` adds fields to every line.
 */
export type Logger = pino.Logger;

/** A logger that writes nothing: for a part of gatewayd that is to be silent. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
