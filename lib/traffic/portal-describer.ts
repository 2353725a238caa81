import { messages } from '../protocol/messages.ts';
import { wireBytes } from '../protocol/protocol-message.ts';
import { awaited, type Expected, type Pending, type Pipeline, type Portal } from './pipeline.ts';

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

  /** @param wanted false where no tap reads rows: then nothing is remembered, and nothing sent */
  constructor(pipeline: Pipeline, wanted: boolean) {
    this.#pipeline = pipeline;
    this.#wanted = wanted;
  }

  /** A portal was made anew. */
  bound(name: string): void {
    if (!this.#wanted) return;
    this.#name = name;
    this.#portal = { shape: null, described: false };
  }

  /** The client describes a portal, which is to be answered. */
  described(name: string): void {
    if (!this.#wanted) return this.#pipeline.expect(awaited.DescribePortal);
    this.#describe(name, false);
  }

  /** Anything else ran: it may have changed what the name stands for. */
  forget(): void {
    this.#name = null;
  }

  /** The client executes a portal, which is to be answered. @returns what to send before it, if anything */
  executed(name: string): Buffer | null {
    if (!this.#wanted) {
      this.#pipeline.expect(awaited.Execute);
      return null;
    }
    const known = name === this.#name && this.#portal.described;
    if (!known) this.#describe(name, true);
    this.#pipeline.expect(pendingOf('Execute', this.#portal, false));
    return known ? null : wireBytes(messages.describe('P', name));
  }

  #describe(name: string, hidden: boolean): void {
    if (name !== this.#name) this.bound(name);
    this.#portal.described = true;
    this.#pipeline.expect(pendingOf('DescribePortal', this.#portal, hidden));
  }
}

const pendingOf = (expected: Expected, portal: Portal, hidden: boolean): Pending => ({
  expected,
  portal,
  bytes: null,
  hidden,
});
