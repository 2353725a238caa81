import { GatewayDError } from '../errors.ts';
import { FrontendCode } from '../protocol/codes.ts';
import { protocolErrors } from '../protocol/errors.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import { nameAt } from './client-forwarder.ts';
import { Outgoing } from './outgoing.ts';
import { awaited, type Pending, type Pipeline } from './pipeline.ts';
import type { PortalDescriber } from './portal-describer.ts';

/** More than any Execute needs: its portal's name is the one part of it that has no fixed length. */
const MAX_EXECUTE = 65_536;

/** What the messages are answered with that need no further look. */
const answered: Readonly<Record<number, Pending>> = {
  [FrontendCode.Parse]: awaited.Parse,
  [FrontendCode.Close]: awaited.Close,
  [FrontendCode.Sync]: awaited.Sync,
  [FrontendCode.CopyDone]: awaited.CopyEnd,
  [FrontendCode.CopyFail]: awaited.CopyEnd,
};

/**
 * Passes on what a client sends where only the database's side is tapped: nothing is held back but the start of an
 * Execute, before which a Describe may have to go.
 */
export class ClientScanner {
  readonly #pipeline: Pipeline;
  readonly #describer: PortalDescriber;
  readonly #scanner = new FrameScanner({ collect: [FrontendCode.Bind, FrontendCode.Describe], collectLimit: 1024 });
  #held: Buffer | null = null;
  #terminated = false;

  constructor(pipeline: Pipeline, describer: PortalDescriber) {
    this.#pipeline = pipeline;
    this.#describer = describer;
  }

  get atBoundary(): boolean {
    return this.#held === null && this.#scanner.atBoundary;
  }

  /** The client said goodbye. */
  get terminated(): boolean {
    return this.#terminated;
  }

  /** @throws {GatewayDError} PROTOCOL_BAD_LENGTH, PROTOCOL_MESSAGE_TOO_LARGE */
  forward(received: Buffer): readonly Buffer[] {
    const chunk = this.#held === null ? received : Buffer.concat([this.#held, received]);
    this.#held = null;
    const scanner = this.#scanner;
    const out = new Outgoing();
    let start = 0;
    scanner.feed(chunk);
    while (!this.#terminated && scanner.next()) {
      if (scanner.type === FrontendCode.Execute) {
        out.keep(chunk, start, scanner.start);
        start = scanner.start;
        this.#execute(out);
      } else this.#message();
    }
    const end = this.#terminated ? scanner.end : this.#holdExecute(chunk);
    out.keep(chunk, start, end);
    return out.finish();
  }

  #message(): void {
    const { type, body } = this.#scanner;
    if (type === FrontendCode.Bind) {
      this.#describer.bound(nameAt(body, 0, body.length));
      this.#pipeline.expect(awaited.Bind);
    } else if (type === FrontendCode.Describe) {
      if (body[0] === 0x53) this.#pipeline.expect(awaited.DescribeStatement);
      else this.#describer.described(nameAt(body, 1, body.length));
    } else if (type === FrontendCode.Query || type === FrontendCode.FunctionCall) {
      this.#describer.forget();
      this.#pipeline.expect(type === FrontendCode.Query ? awaited.Query : awaited.FunctionCall);
    } else if (type === FrontendCode.Terminate) this.#terminated = true;
    else {
      const expected = answered[type];
      if (expected !== undefined) this.#pipeline.expect(expected);
    }
  }

  #execute(out: Outgoing): void {
    const { body } = this.#scanner;
    const describe = this.#describer.executed(nameAt(body, 0, body.length));
    if (describe !== null) out.put(describe);
  }

  /** Up to where the chunk may be sent. */
  #holdExecute(chunk: Buffer): number {
    const scanner = this.#scanner;
    if (scanner.type !== FrontendCode.Execute || scanner.atBoundary) return chunk.length;
    if (scanner.length > MAX_EXECUTE) {
      const { length } = scanner;
      throw new GatewayDError(protocolErrors.PROTOCOL_MESSAGE_TOO_LARGE, { length, limit: MAX_EXECUTE });
    }
    this.#held = Buffer.from(chunk.subarray(scanner.start));
    scanner.forgetUnfinished();
    return scanner.start;
  }
}
