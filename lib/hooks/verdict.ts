/** A PostgreSQL error as a tap words it. */
export interface WireError {
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
}

const key = Symbol('made by gatewayd');

/** What `opening.refuse()` gives; returned from the tap, it refuses the client. */
export class Refusal {
  readonly error: WireError;

  /** @internal plugins get one from `refuse()` */
  constructor(token: symbol, error: WireError) {
    if (token !== key) throw new TypeError('A Refusal is made by refuse(), not by new');
    this.error = error;
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
  readonly outcome: Outcome;

  /** @internal plugins get one from the payload's methods */
  constructor(token: symbol, outcome: Outcome) {
    if (token !== key) throw new TypeError("A Verdict is made by a payload's methods, not by new");
    this.outcome = outcome;
  }
}

/** Makes a Refusal; for the payloads' own use. */
export const makeRefusal = (error: WireError): Refusal => new Refusal(key, error);
/** Makes a Verdict; for the payloads' own use. */
export const makeVerdict = (outcome: Outcome): Verdict => new Verdict(key, outcome);
