/**
 * A duration as Go writes it: `10s`, `1h30m`, `1.5s`, `0`; or an integer, which is nanoseconds, as in Go.
 * The `format` is a mark for the types and for the loader, which turns integers into text; the pattern is the check.
 */
const written = { type: ['string', 'integer'], format: 'duration-or-nanoseconds' } as const;

/** A duration that may be zero, which then stands for "no limit". */
export const duration = {
  ...written,
  minimum: 0,
  pattern: '^(0|((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+)$',
  patternErrorMessage: 'must be a duration, such as 10s, 500ms or 1h30m',
} as const;

/** A duration longer than zero. */
export const positiveDuration = {
  ...written,
  minimum: 1,
  pattern: '^(?=.*[1-9])((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+$',
  patternErrorMessage: 'must be a duration longer than zero, such as 10s, 500ms or 1h30m',
} as const;
