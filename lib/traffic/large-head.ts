import type { SentLargeMessage } from '../hooks/payloads.ts';
import { BackendCode, FrontendCode } from '../protocol/codes.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { readMessages, type Message, type Sender } from '../protocol/messages.ts';

/** So much of a large message is there before the taps decide, type byte and length word included. */
export const largeHeadSize = 65_536;

/** Messages whose bodies can go by without anybody but a tap needing to read them. Any other is too large for a session. */
export const streamedFrom: Readonly<Record<Sender, readonly number[]>> = {
  frontend: [
    FrontendCode.Query,
    FrontendCode.Parse,
    FrontendCode.Bind,
    FrontendCode.FunctionCall,
    FrontendCode.CopyData,
  ],
  backend: [
    BackendCode.DataRow,
    BackendCode.CopyData,
    BackendCode.FunctionCallResponse,
    BackendCode.ErrorResponse,
    BackendCode.NoticeResponse,
    BackendCode.NotificationResponse,
  ],
};

/** The beginning of a message that is too large to be kept. */
export class LargeHead {
  readonly name: Message['name'];
  /** Type byte, length word, and what there is of the body. */
  readonly bytes: Buffer;

  constructor(sender: Sender, bytes: Buffer) {
    this.bytes = bytes;
    // Messages are read when somebody asks for a field: of this one nobody does.
    const empty = Buffer.of(bytes[0] ?? 0, 0, 0, 0, 4);
    const messages: Message[] = [];
    readMessages(sender, new MessageSource(empty), messages);
    this.name = messages[0]?.name ?? 'Unknown';
  }

  get type(): number {
    return this.bytes.readUInt8(0);
  }

  /** Bytes of the body. */
  get length(): number {
    return this.bytes.readInt32BE(1) - 4;
  }

  /** What there is of the body: a copy. */
  get body(): Buffer {
    return Buffer.from(this.bytes.subarray(5));
  }

  /** For who only looks at it. */
  get shown(): SentLargeMessage {
    return { name: this.name, length: this.length, head: this.body };
  }
}
