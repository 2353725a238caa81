import type { ChangeKind } from '../hooks/message-change.ts';
import type { LargeBody, LargeMessage } from '../hooks/payloads.ts';
import type { Message } from '../protocol/messages.ts';
import type { LargeHead } from './large-head.ts';

/** What is done with a large message by whoever has it in hand. */
interface Hand {
  readonly read: (reader: (body: LargeBody) => unknown) => void;
  readonly replace: (kind: ChangeKind, by: Message | readonly Message[]) => void;
}

/** A large message that may be read, replaced or dropped. */
export class LargeInHand implements LargeMessage {
  readonly name: Message['name'];
  readonly length: number;
  readonly #head: LargeHead;
  readonly #hand: Hand;

  constructor(head: LargeHead, hand: Hand) {
    this.name = head.name;
    this.length = head.length;
    this.#head = head;
    this.#hand = hand;
  }

  get head(): Buffer {
    return this.#head.body;
  }

  read(reader: (body: LargeBody) => unknown): void {
    this.#hand.read(reader);
  }

  replace(by: Message | readonly Message[]): void {
    this.#hand.replace('replace', by);
  }

  drop(): void {
    this.#hand.replace('drop', []);
  }
}
