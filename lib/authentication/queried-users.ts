import { GatewayDError } from '../errors.ts';
import { makeScramVerifier } from './scram-verifier.ts';
import { readSecret, type Secret, type SecretSource } from './secret.ts';

/** For how long an answer of the database is believed, in milliseconds. */
const cacheTime = 5000;
/** Names come from whoever knocks: what is kept of them must not grow without end. */
const mostCached = 1000;

interface Cached {
  readonly secret: Promise<Secret | null>;
  readonly until: number;
}

/** Asks a database for the secret of a user; null for a user it does not know. */
export type AskForSecret = (user: string, signal: AbortSignal) => Promise<string | null>;

/** Users whose secrets a query gives. Each answer, also that there is no such user, is kept for five seconds. */
export class QueriedUsers implements SecretSource {
  readonly #ask: AskForSecret;
  readonly #onProblem: (error: GatewayDError) => void;
  readonly #cached = new Map<string, Cached>();

  /** @param onProblem told of secrets that cannot be used; their users get in as little as with a wrong password */
  constructor(ask: AskForSecret, onProblem: (error: GatewayDError) => void) {
    this.#ask = ask;
    this.#onProblem = onProblem;
  }

  async secretOf(user: string, signal: AbortSignal): Promise<Secret | null> {
    const known = this.#cached.get(user);
    if (known !== undefined && known.until > performance.now()) return known.secret;
    const secret = this.#ask(user, signal).then((text) => this.#read(text ?? '', user));
    // Only what is settled is kept: a client that leaves aborts its own question and nobody else's.
    const found = await secret;
    this.#cached.delete(user);
    const [oldest] = this.#cached.keys();
    if (this.#cached.size >= mostCached && oldest !== undefined) this.#cached.delete(oldest);
    this.#cached.set(user, { secret, until: performance.now() + cacheTime });
    return found;
  }

  /** A password takes a while to make a verifier of: so that nobody can tell who has one, anything else takes as long. */
  async #read(text: string, user: string): Promise<Secret | null> {
    let secret: Secret | null = null;
    try {
      secret = await readSecret(text, user);
    } catch (error) {
      if (!(error instanceof GatewayDError)) throw error;
      this.#onProblem(error);
    }
    if (secret?.kind !== 'plain') await makeScramVerifier('');
    return secret;
  }
}
