import { AuthenticationCode, BackendCode } from '../protocol/codes.ts';

const scramPlus = Buffer.from('SCRAM-SHA-256-PLUS\0');
/** What a database says before it asks for a password is much shorter. */
const longestMessage = 10_000;
const nothing = Buffer.alloc(0);

/**
 * What a database that is connected to over TLS says first, for a client that is not: without the offer to bind the
 * login to TLS. libpq takes that for an attack where it does not encrypt, and the database does not mind that a client
 * without TLS leaves it.
 */
export class UnboundOffer {
  #held: Buffer = nothing;
  #over = false;

  /** Gives what is to be passed on of what came: what is not whole waits for the rest. */
  take(chunk: Buffer): Buffer {
    if (this.#over) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    // Which protocol there is may be said before.
    const first = messageLength(bytes, 0);
    const isNews = first !== null && first > 0 && bytes[0] === BackendCode.NegotiateProtocolVersion;
    const start = isNews ? first : 0;
    const length = isNews ? messageLength(bytes, start) : first;
    if (length === null) {
      this.#held = bytes;
      return nothing;
    }
    this.#over = true;
    const [before, message, behind] = [bytes.subarray(0, start), bytes.subarray(start, start + length), start + length];
    return Buffer.concat([before, unbound(message), bytes.subarray(behind)]);
  }
}

/** With its type byte; null where not all of it is there, 0 for one that is neither of the two that may come first. */
function messageLength(bytes: Buffer, start: number): number | null {
  const type = bytes[start];
  if (type === undefined) return null;
  if (type !== BackendCode.Authentication && type !== BackendCode.NegotiateProtocolVersion) return 0;
  if (bytes.length < start + 5) return null;
  const length = bytes.readInt32BE(start + 1) + 1;
  if (length < 9 || length > longestMessage) return 0;
  return bytes.length < start + length ? null : length;
}

function unbound(message: Buffer): Buffer {
  if (message[0] !== BackendCode.Authentication || message.readInt32BE(5) !== AuthenticationCode.AuthenticationSASL)
    return message;
  // The name at the beginning of the list, or behind another one's end.
  const at = message.indexOf(scramPlus, 9);
  if (at === -1 || (at > 9 && message[at - 1] !== 0)) return message;
  const shorter = Buffer.concat([message.subarray(0, at), message.subarray(at + scramPlus.length)]);
  shorter.writeInt32BE(shorter.length - 1, 1);
  return shorter;
}
