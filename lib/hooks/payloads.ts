import type { Message } from '../protocol/messages.ts';
import type { LoadedPlugin } from './loaded-plugin.ts';
import type { Refusal, Verdict } from './verdict.ts';

/** Where a socket is: an IP address with its port, or the path of a Unix socket with port 0. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A database server a session can be given, by the name of its `clients` row (`group.block`) and its address. */
export interface BackendAddress {
  readonly name: string;
  readonly address: string;
}

/** One client's session, from its start-up packet until its connection ends. */
export interface Session {
  /** Unique in this process. */
  readonly id: string;
  /** The peer's address as the gateway sees it. */
  readonly client: Address;
  /** The database's address; null until the session has a backend. */
  readonly server: Address | null;
  /** Whether the client's connection is encrypted. */
  readonly tls: boolean;
  /** From the start-up packet: claimed until `opened` fires, proven after. */
  readonly user: string;
  /** From the start-up packet; PostgreSQL's default, the user's name, where the packet has none. */
  readonly database: string;
  /** Every parameter of the start-up packet, `user` and `database` included. */
  readonly parameters: ReadonlyMap<string, string>;
  /**
   * True where the session was there before this generation of plugins was loaded. It came over while nothing of it was
   * in flight: for the plugins before it was closed, for these it is opened.
   */
  readonly moved: boolean;
}

/** Payload of `startup`. */
export interface StartupEvent {
  /** gatewayd's version. */
  readonly version: string;
  /** Node's version, as `process.version` gives it. */
  readonly runtimeVersion: string;
  /** True under `run --dev`. */
  readonly devMode: boolean;
  readonly plugins: readonly LoadedPlugin[];
}

/** Payload of `opening`: the start-up packet is read, nothing is connected yet. The user is claimed, not proven. */
export interface Opening {
  readonly session: Session;
  /**
   * Refuses the client with a FATAL ErrorResponse. Return what this gives from the tap.
   * @param sqlstate five characters, e.g. `28000`
   * @throws {GatewayDError} HOOK_BAD_SQLSTATE when `sqlstate` is not five of A-Z and 0-9
   */
  refuse(sqlstate: string, message: string, detail?: string): Refusal;
}

/** Payload of `route`: choose the backend of a session, or wait until there is one. */
export interface Routing {
  readonly session: Session;
  /** What the configuration offers, in the order the gateway would take them. */
  readonly candidates: readonly BackendAddress[];
  /**
   * Shows the client a NoticeResponse: at once where gatewayd has let it in, else along with the database's welcome, as
   * libpq takes none before it is asked who it is. Does nothing any more once the client has its backend.
   */
  notice(message: string): void;
  /** Aborted when the client goes away (which may be noticed a second later) or the time limit is over. */
  readonly signal: AbortSignal;
}

/**
 * The whole messages that arrived together. Messages are decoded when they are first read.
 * A payload expires when the tap that got it settles; reading it later throws PAYLOAD_EXPIRED.
 */
export interface Batch {
  readonly session: Session;
  readonly messages: Iterable<Message>;
  /**
   * A message over `maxMessageSize`, which is alone in its batch and not among `messages`. Only where every tap of the
   * direction has the option `largeMessages` is there such a batch; null in any other.
   */
  readonly large: SentLargeMessage | null;
}

/** What is known of a message that is too large to be kept. */
export interface SentLargeMessage {
  readonly name: Message['name'];
  /** Bytes of its body: the message without its type byte and length word. */
  readonly length: number;
  /** The beginning of its body, up to 64 KiB: a copy. */
  readonly head: Buffer;
}

/** A message that is too large to be kept, before the first byte of it is passed on. */
export interface LargeMessage extends SentLargeMessage {
  /**
   * Has the body read as it passes. `reader` is called when all taps have let the message pass, with its time limit for
   * each step; each piece is passed on when every reader has asked for the next one, and the last piece when every
   * reader is done: until then the other side has no whole message. What a reader that fails would have read passes
   * without it, or with `onError: refuse` ends the session.
   */
  read(reader: (body: LargeBody) => unknown): void;
  /** Other messages go in its place. The body is thrown away as it comes. */
  replace(by: Message | readonly Message[]): void;
  /** Nothing goes in its place. */
  drop(): void;
}

/** The body of a large message, piece by piece: copies that are the reader's own. Ends in an error when the session does. */
export interface LargeBody extends AsyncIterable<Buffer> {
  /** Ends the session; return what this gives from the reader. The other side never gets the whole message. */
  terminate(sqlstate: string, message: string): Verdict;
}

/** What `reply` sends: text values (null stays null, anything else becomes its `String()`), typed as `text`. */
export interface ReplyRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** The CommandComplete tag; `SELECT <rows>` where it is left out. */
  readonly command?: string;
}

/** Payload of `trafficFromClient`: what a client sent, before the database sees it. */
export interface FromClient extends Batch {
  /**
   * The SQL text of the Query or Parse in the batch; null when it has none. Reflects changes made by earlier taps. What
   * a client pipelines comes in several batches: each Query alone, each Parse first in its own, which goes up to Sync.
   * A Query can hold several statements.
   */
  readonly query: string | null;
  /** As in every batch. `query` is null for a large Query or Parse: its beginning is in `large.head`. */
  readonly large: LargeMessage | null;
  /** Replaces the SQL of that Query or Parse and keeps everything else of it. Throws PAYLOAD_NO_QUERY when there is none. */
  replaceQuery(sql: string): void;
  replace(message: Message, by: Message | readonly Message[]): void;
  drop(message: Message): void;
  /**
   * Answers the batch in the database's place; return what this gives from the tap. The answer waits its turn behind
   * earlier replies, and ReadyForQuery with the transaction status comes from the database. It answers the query of
   * the batch, an extended one up to its Sync. A prepared statement whose Parse is answered is remembered: bound and executed in later batches it gives the
   * same rows again, until it is closed or parsed anew. Values are sent as type `text`.
   * The failed transaction a client may be in is not looked at: there the database would have refused.
   * @throws {GatewayDError} PAYLOAD_BAD_REPLY when a row has another number of values than there are columns, and for
   * a large Parse or Bind
   */
  reply(rows: ReplyRows): Verdict;
  /**
   * Answers with an ERROR the client survives; return what this gives from the tap. Every Query of the batch is
   * answered so, and every extended query, after which everything is left out up to the client's Sync. The database
   * never hears of it, so a transaction goes on as it was. A COPY the client is sending is made to fail, with the
   * database's SQLSTATE 57014 and this message.
   */
  refuse(sqlstate: string, message: string): Verdict;
  /** Answers with a FATAL error and ends the session; return what this gives from the tap. */
  terminate(sqlstate: string, message: string): Verdict;
}

/** A column of the RowDescription in force. */
export interface Column {
  readonly name: string;
  /** Object identifier of the column's data type (pg_type.oid). */
  readonly typeOid: number;
  readonly format: 'text' | 'binary';
}

/** One DataRow with the columns it belongs to. */
export interface Row {
  readonly columns: readonly Column[];
  /** The raw value as it came: null for NULL. Valid only until the tap settles unless copied. Index or column name. */
  get(column: number | string): Buffer | null;
  /** The value as UTF-8 text; for a binary value of a type other than text use `get`. */
  text(column: number | string): string | null;
  /** Changes the value; a string is encoded as UTF-8. Throws PAYLOAD_NO_COLUMN when there is no such column. */
  set(column: number | string, value: Buffer | string | null): void;
}

/** Payload of `trafficFromServer`: what the database sent, before the client sees it. */
export interface FromServer extends Batch {
  /** As in every batch. `mapRows` does not see a large DataRow. */
  readonly large: LargeMessage | null;
  /**
   * Calls `map` for each DataRow of the batch, with the RowDescription in force, also when that came in an earlier
   * batch: where a client executes what it has not just described, the gateway asks the database itself. Change the
   * row through `set` and return it; return null to leave the row out. The command tag (`SELECT 3`) stays as the database
   * sent it, and the columns are as the database described them, also where a tap replaced the RowDescription. When
   * `map` throws, no row of the batch is changed.
   * @throws {GatewayDError} PAYLOAD_BAD_ROW when `map` returns anything else, PAYLOAD_NO_ROW_DESCRIPTION when a row
   * came that nothing describes
   */
  mapRows(map: (row: Row) => Row | null): void;
  replace(message: Message, by: Message | readonly Message[]): void;
  /** Ends the session with a FATAL error; return what this gives from the tap. */
  terminate(sqlstate: string, message: string): Verdict;
}
