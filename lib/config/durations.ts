import { configErrors } from './errors.ts';
import { GatewayDError } from '../errors.ts';

const nanosecondsIn: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n, // the micro sign
  μs: 1000n, // the Greek letter: both are typed
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** The longest that a timer of Node.js can wait; it fires at once when told to wait longer. */
export const longestTimer = 2_147_483_647;

function nanosecondsOf(amount: string, unit: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  const scale = nanosecondsIn[unit] ?? 0n;
  // Like Go, digits finer than a nanosecond are cut off.
  return (
    BigInt(whole === '' ? 0 : whole) * scale +
    (BigInt(fraction === '' ? 0 : fraction) * scale) / 10n ** BigInt(fraction.length)
  );
}

/**
 * Nanoseconds in a duration as Go writes it: numbers with a unit each (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`), one after
 * the other, fractions allowed; a bare `0` needs no unit. Durations are never negative here.
 * @throws GatewayDError CONFIG_DURATION_INVALID for anything else.
 */
export function nanoseconds(duration: string): bigint {
  if (duration === '0') return 0n;
  if (!/^((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(duration)) {
    throw new GatewayDError(configErrors.CONFIG_DURATION_INVALID, { duration });
  }
  const parts = duration.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g);
  return [...parts].reduce((sum, [, amount = '', unit = '']) => sum + nanosecondsOf(amount, unit), 0n);
}

/**
 * Milliseconds in a duration of the config, ready for a timer: fractions stay, and what no timer can wait for is cut to
 * the longest that one can (24.8 days).
 * @throws GatewayDError CONFIG_DURATION_INVALID when it is no duration.
 */
export function milliseconds(duration: string): number {
  return Math.min(Number(nanoseconds(duration)) / 1_000_000, longestTimer);
}

/** The duration of a number of nanoseconds, in the largest units that keep it exact: `1h30m`, `1m30s`, `500ms`, `0s`. */
export function formatDuration(total: bigint): string {
  if (total === 0n) return '0s';
  let rest = total;
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms', 'us', 'ns']) {
    const scale = nanosecondsIn[unit] ?? 1n;
    if (rest >= scale) text += `${rest / scale}${unit}`;
    rest %= scale;
  }
  return text;
}
