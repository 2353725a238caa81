import { GatewayDError } from '../errors.ts';
import { hooksErrors } from './errors.ts';

/** A PostgreSQL error as a tap words it. */
export interface WireError {
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
}

const key = Symbol('made by gatewayd');

/** What `opening.refuse()` gives; returned from the tap, it refuses the client. */
export class Refusal {
  readonly #error: WireError;

  /** @internal plugins get one from `refuse()` */
  constructor(token: symbol, error: WireError) {
    if (token !== key) throw new TypeError('A Refusal is made by refuse(), not by new');
    this.#error = error;
  }

  get error(): WireError {
    return this.#error;
  }

  /** Whether `value` was made by `refuse()`: a copy of one, or an object with its prototype, was not. */
  static is(value: unknown): value is Refusal {
    return typeof value === 'object' && value !== null && #error in value;
  }
}

/** How a chain of traffic taps ended. */
export type Outcome =
  | {
      readonly kind: 'reply';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly unknown[])[];
      readonly command?: string;
    }
  | { readonly kind: 'refuse'; readonly error: WireError }
  | { readonly kind: 'terminate'; readonly error: WireError };

/** What `reply()`, `refuse()` and `terminate()` of a traffic payload give; returned from the tap, it ends the chain. */
export class Verdict {
  readonly #outcome: Outcome;

  /** @internal plugins get one from the payload's methods */
  constructor(token: symbol, outcome: Outcome) {
    if (token !== key) throw new TypeError("A Verdict is made by a payload's methods, not by new");
    this.#outcome = outcome;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** Whether `value` was made by a payload's methods: a copy of one, or an object with its prototype, was not. */
  static is(value: unknown): value is Verdict {
    return typeof value === 'object' && value !== null && #outcome in value;
  }
}

function checked(error: WireError): WireError {
  if (/^[A-Z0-9]{5}$/.test(error.sqlstate)) return error;
  throw new GatewayDError(hooksErrors.HOOK_BAD_SQLSTATE, { sqlstate: error.sqlstate });
}

/**
 * Makes a Refusal; for the payloads' own use.
 * @throws {GatewayDError} HOOK_BAD_SQLSTATE
 */
export const makeRefusal = (error: WireError): Refusal => new Refusal(key, checked(error));

/**
 * Makes a Verdict; for the payloads' own use.
 * @throws {GatewayDError} HOOK_BAD_SQLSTATE
 */
export function makeVerdict(outcome: Outcome): Verdict {
  if (outcome.kind !== 'reply') checked(outcome.error);
  return new Verdict(key, outcome);
}
