// Writes some lines with a logger made from its first argument; the specs read what comes out.
import { loggerSchema } from '../../lib/config/sections/loggers.ts';
import type { LoggerConfig } from '../../lib/config/schema.ts';
import { GatewayDError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger/create-logger.ts';

const defaults = Object.fromEntries(
  Object.entries(loggerSchema.properties).map(([key, property]) => [key, property.default]),
);
const { terminal = false, ...config } = JSON.parse(process.argv[2] ?? '{}') as { terminal?: boolean };
const logger = await createLogger({ ...defaults, ...config } as unknown as LoggerConfig, terminal);
logger.info({ some: { nested: 'fields' } }, 'a sentence');
const definition = { code: 'SPEC_CODE', message: 'It is {what}', mend: 'Wait' };
const checksum = '0123456789abcdef'.repeat(4);
logger.child({ plugin: 'hello' }).error({ checksum, err: new GatewayDError(definition, { what: 'late' }) }, 'failed');
const trap = (): never => {
  throw new Error('trapped');
};
const getter = Object.defineProperty(new Error('odd'), 'message', { get: trap });
const proxy = new Proxy(new Error('odd'), { get: trap, getPrototypeOf: trap });
for (const err of [getter, proxy]) logger.trace({ err }, 'odd');
if (terminal) {
  const caused = new GatewayDError(definition, { what: 'late' }, { cause: new Error('rain\u0007') });
  logger.error({ mend: caused.mend, err: caused }, caused.message);
}
const quoting = { code: 'SPEC_QUOTES', message: 'It failed: {reason}; so it goes', mend: 'Wait' };
const inner = new Error('hail');
const outer = new GatewayDError(quoting, { reason: 'hail' }, { cause: inner });
// Causes may go round.
inner.cause = Object.assign(new Error('cold'), { cause: outer });
logger.trace({ err: outer }, outer.message);
logger.fatal('the last');
process.exit(0); // at once: no line may be lost
