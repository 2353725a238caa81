/** What whoever lent a backend to a session is told of what passes on it. */
export interface Lender {
  /** The client has said goodbye, which is not passed on: the backend is for others after it. */
  left(): void;
  /** @param body of a ParameterStatus; valid during the call */
  parameter(body: Buffer): void;
}

/** How a relay treats the bytes that come, in one part of a session's life. What its methods throw ends the session. */
export interface Stage {
  /** Nothing is in flight and no transaction is open. */
  readonly idle: boolean;
  /** Nothing is in flight; a transaction may be open. */
  readonly quiet: boolean;
  /** The database is at something and will come to its end, whatever the client does, or its answer is not with the client yet. */
  readonly answering: boolean;
  /** Plugins have something that the client sent; `Relay.settle` is called when they have not any more. */
  readonly clientBusy: boolean;
  /** As `clientBusy`, of what the database sent. */
  readonly serverBusy: boolean;
  /** The client has whole messages only, and could read one of ours. */
  readonly speakable: boolean;
  /** The client was told by the database why its connection ends, or has said goodbye itself. */
  readonly endExpected: boolean;
  /**
   * @param borrowed whether the bytes of the chunk change when this returns
   * @throws {GatewayDError} for bytes that are no protocol
   */
  fromClient(chunk: Buffer, borrowed: boolean): void;
  /** As `fromClient`. */
  fromServer(chunk: Buffer, borrowed: boolean): void;
  /** The relay is over; nothing more comes. */
  close(): void;
}
