import { GatewayDError, type ErrorDefinition } from '../errors.ts';

/**
 * Bytes that messages are read from for as long as they may be. They can lie in a socket's buffer, which is used again:
 * `retain` moves them out of it, `release` ends their time.
 */
export class MessageSource {
  #bytes: Buffer;
  #retained: boolean;
  #expired: ErrorDefinition | null = null;

  /** @param owned true when nobody else will ever use these bytes again */
  constructor(bytes: Buffer, owned = false) {
    this.#bytes = bytes;
    this.#retained = owned;
  }

  /** Whether the bytes stay what they are. */
  get retained(): boolean {
    return this.#retained;
  }

  /** @throws {GatewayDError} what `release` was given, once it has been called */
  get bytes(): Buffer {
    if (this.#expired !== null) throw new GatewayDError(this.#expired);
    return this.#bytes;
  }

  /** Makes a copy, once, and reads from that henceforth. */
  retain(): void {
    if (this.#retained || this.#expired !== null) return;
    this.#retained = true;
    this.#bytes = Buffer.from(this.#bytes);
  }

  /** From now on nothing is read any more. */
  release(expired: ErrorDefinition): void {
    this.#expired = expired;
    this.#bytes = none;
  }
}

const none = Buffer.alloc(0);
