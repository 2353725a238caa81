import { GatewayDError } from '../errors.ts';
import type { Column, Row } from '../hooks/payloads.ts';
import type { BodyWriter } from '../protocol/body-writer.ts';
import { BackendCode } from '../protocol/codes.ts';
import type { MessageSource } from '../protocol/message-source.ts';
import type { Message } from '../protocol/messages.ts';
import { messageEnd, messageSource, messageStart } from '../protocol/protocol-message.ts';
import { trafficErrors } from './errors.ts';
import type { RowShape } from './row-shape.ts';

/** One DataRow in the hands of a tap. What it gives out is copied, what it takes is written when the tap returned it. */
export class TrafficRow implements Row {
  readonly #shape: RowShape;
  readonly #source: MessageSource;
  readonly #end: number;
  /** Throws once the tap has settled. */
  readonly #checkLive: () => void;
  #changes: (Buffer | string | null | undefined)[] | null = null;
  #sealed = false;
  /** Values are found one after the other: the last one looked for, and where its length word is. */
  #number = 0;
  #offset: number;
  readonly #first: number;

  constructor(shape: RowShape, message: Message, checkLive: () => void) {
    this.#shape = shape;
    this.#source = messageSource(message);
    this.#end = messageEnd(message);
    this.#checkLive = checkLive;
    this.#first = messageStart(message) + 7;
    this.#offset = this.#first;
    if (this.#end < this.#first || this.#source.bytes.readUInt16BE(this.#first - 2) !== shape.columns.length) {
      throw new GatewayDError(trafficErrors.PAYLOAD_NO_ROW_DESCRIPTION);
    }
  }

  get columns(): readonly Column[] {
    return this.#shape.columns;
  }

  get changed(): boolean {
    return this.#changes !== null;
  }

  get(column: number | string): Buffer | null {
    const number = this.#find(column);
    const change = this.#changes?.[number];
    if (change !== undefined) return change === null ? null : Buffer.from(change as Buffer);
    const length = this.#seek(number);
    return length === -1 ? null : Buffer.from(this.#source.bytes.subarray(this.#offset + 4, this.#offset + 4 + length));
  }

  text(column: number | string): string | null {
    const number = this.#find(column);
    const change = this.#changes?.[number];
    if (change !== undefined) return change === null ? null : change.toString();
    const length = this.#seek(number);
    return length === -1 ? null : this.#source.bytes.toString('utf8', this.#offset + 4, this.#offset + 4 + length);
  }

  set(column: number | string, value: Buffer | string | null): void {
    const number = this.#find(column);
    if (this.#sealed) throw new GatewayDError(trafficErrors.PAYLOAD_EXPIRED);
    this.#changes ??= [];
    this.#changes[number] = typeof value === 'string' || value === null ? value : Buffer.from(value);
  }

  /** The tap has returned it: what is set now would come too late. */
  seal(): void {
    this.#sealed = true;
  }

  write(to: BodyWriter): void {
    const count = this.#shape.columns.length;
    to.begin('DataRow', BackendCode.DataRow);
    to.uint16(count);
    for (let number = 0; number < count; number++) {
      const change = this.#changes?.[number];
      if (change !== undefined) to.value(change);
      else {
        const length = this.#seek(number);
        to.copy(this.#source.bytes, this.#offset, this.#offset + 4 + Math.max(length, 0));
      }
    }
    to.end();
  }

  #find(column: number | string): number {
    this.#checkLive();
    const number = typeof column === 'number' ? column : this.#shape.number(column);
    if (Number.isInteger(number) && number >= 0 && number < this.#shape.columns.length) return number;
    throw new GatewayDError(trafficErrors.PAYLOAD_NO_COLUMN, { column });
  }

  /** Goes to a value and gives its length; -1 for NULL. */
  #seek(number: number): number {
    if (number < this.#number) {
      this.#number = 0;
      this.#offset = this.#first;
    }
    let length = this.#length();
    while (this.#number < number) {
      this.#offset += 4 + Math.max(length, 0);
      this.#number++;
      length = this.#length();
    }
    return length;
  }

  #length(): number {
    const left = this.#end - this.#offset - 4;
    const length = left < 0 ? -2 : this.#source.bytes.readInt32BE(this.#offset);
    if (length >= -1 && length <= left) return length;
    throw new GatewayDError(trafficErrors.PAYLOAD_NO_ROW_DESCRIPTION);
  }
}
