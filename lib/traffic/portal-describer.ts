import { messages } from '../protocol/messages.ts';
import { wireBytes } from '../protocol/protocol-message.ts';
import type { Pipeline, Portal } from './pipeline.ts';
import { asWire } from './traffic-batch.ts';

/**
 * Knows of each Execute what its rows look like. Where the client did not describe the portal after its Bind and just
 * before, we do, and keep the answer to ourselves: what a prepared statement or a cursor of that name was once said to
 * be, SQL can have changed since.
 */
export class PortalDescriber {
  readonly #pipeline: Pipeline;
  readonly #wanted: boolean;
  #name: string | null = null;
  #portal: Portal = { shape: null, described: false };

  /** @param wanted false where no tap reads rows: then nothing is sent */
  constructor(pipeline: Pipeline, wanted: boolean) {
    this.#pipeline = pipeline;
    this.#wanted = wanted;
  }

  /** A portal was made anew. */
  bound(name: string): void {
    this.#name = name;
    this.#portal = { shape: null, described: false };
  }

  /** The client describes a portal. */
  described(name: string): Portal {
    if (name !== this.#name) this.bound(name);
    this.#portal.described = true;
    return this.#portal;
  }

  /** Anything else ran: it may have changed what the name stands for. */
  forget(): void {
    this.#name = null;
  }

  /** The client executes a portal. @returns what to send before it, if anything */
  executed(name: string): { readonly portal: Portal; readonly describe: Buffer | null } {
    const known = name === this.#name && this.#portal.described;
    const portal = this.described(name);
    if (known || !this.#wanted) return { portal, describe: null };
    this.#pipeline.expect({ expected: 'DescribePortal', portal, hidden: true });
    return { portal, describe: wireBytes(asWire(messages.describe('P', name))) };
  }
}
