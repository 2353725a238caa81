import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import type { WireError } from '../../lib/hooks/verdict.ts';
import { createView } from '../../lib/hooks/view.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { TransactionStatus } from '../../lib/protocol/codes.ts';
import { MessageSource } from '../../lib/protocol/message-source.ts';
import { readMessages, type Message, type Sender } from '../../lib/protocol/messages.ts';
import { Conversation } from '../../lib/traffic/conversation.ts';
import type { Relayed } from '../../lib/traffic/relayed.ts';
import { RecordingOwner } from './recording-owner.ts';
import { specSession } from './tapped-relay.ts';

export const wire = (...list: readonly { readonly bytes: Buffer }[]): Buffer =>
  Buffer.concat(list.map(({ bytes }) => bytes));

/** Messages in short: the name, and what tells two of a name apart. */
export function brief(sender: Sender, bytes: Buffer): string[] {
  const list: Message[] = [];
  readMessages(sender, new MessageSource(bytes), list);
  return list.map(briefly);
}

const particulars: { readonly [N in Message['name']]?: (message: Extract<Message, { name: N }>) => string } = {
  Query: ({ sql }) => `Query ${sql}`,
  Parse: ({ sql }) => `Parse ${sql}`,
  Describe: ({ target, targetName }) => `Describe ${target}${targetName}`,
  Close: ({ target, targetName }) => `Close ${target}${targetName}`,
  CopyFail: ({ message }) => `CopyFail ${message}`,
  CommandComplete: ({ command }) => `CommandComplete ${command}`,
  ReadyForQuery: ({ status }) => `ReadyForQuery ${status}`,
  ErrorResponse: ({ fields }) => `${fields.severity} ${fields.sqlstate} ${fields.message}`,
  ParameterDescription: ({ parameterTypes }) => `ParameterDescription ${parameterTypes.join()}`,
  RowDescription: ({ fields }) =>
    `RowDescription ${fields.map(({ name, format }) => (format === 'text' ? name : `${name}:${format}`)).join()}`,
  DataRow: ({ values }) => `DataRow ${values.map((value) => value?.toString() ?? 'null').join()}`,
};

function briefly(message: Message): string {
  const particular = particulars[message.name] as ((message: Message) => string) | undefined;
  return particular?.(message) ?? message.name;
}

export interface TalkOptions {
  readonly transactionStatus?: TransactionStatus;
  readonly maxMessageSize?: number;
}

/** A conversation without sockets: says what a side sends and keeps what each side gets. */
export class Talk {
  readonly bus: Hooks = createHooks();
  readonly owner = new RecordingOwner('spec');
  /** The view of the bus that the spec's plugin has. */
  readonly hooks: Hooks = createView(this.bus, this.owner);
  readonly options: TalkOptions;
  toServer: Buffer[] = [];
  toClient: Buffer[] = [];
  end: WireError | undefined;
  terminated = false;
  #conversation: Conversation | undefined;

  constructor(options: TalkOptions = {}) {
    this.options = options;
  }

  /** Made when it is first used: taps come before. */
  get conversation(): Conversation {
    this.#conversation ??= new Conversation({
      session: specSession,
      hooks: this.bus,
      logger: silentLogger(),
      maxMessageSize: 1024 * 1024,
      transactionStatus: 'I',
      ...this.options,
    });
    return this.#conversation;
  }

  /** The client sends messages in one chunk; gives whether they are dealt with. */
  client(...list: readonly { readonly bytes: Buffer }[]): boolean {
    return this.feed('frontend', wire(...list));
  }

  server(...list: readonly { readonly bytes: Buffer }[]): boolean {
    return this.feed('backend', wire(...list));
  }

  feed(sender: Sender, chunk: Buffer, then?: () => void): boolean {
    let done = false;
    const take = (relayed: Relayed): void => {
      done = true;
      this.toServer.push(...relayed.toServer);
      this.toClient.push(...relayed.toClient);
      this.end ??= relayed.end;
      this.terminated ||= relayed.terminated === true;
      then?.();
    };
    if (sender === 'frontend') {
      if (this.conversation.fromClient(chunk, take)) take({ toServer: [chunk], toClient: [] });
    } else if (this.conversation.fromServer(chunk, take)) take({ toServer: [], toClient: [chunk] });
    return done;
  }

  /** What the database got since the last time, in short. */
  get serverGot(): string[] {
    const got = brief('frontend', Buffer.concat(this.toServer));
    this.toServer = [];
    return got;
  }

  /** What the client got since the last time, in short. */
  get clientGot(): string[] {
    const got = brief('backend', Buffer.concat(this.toClient));
    this.toClient = [];
    return got;
  }
}
