import type { WireError } from '../hooks/verdict.ts';

/** What has to be written after one chunk. Either direction's chunk may give bytes for either side. */
export interface Relayed {
  /** To the database, in this order; valid until written. Empty when there is nothing to write. */
  readonly toServer: readonly Buffer[];
  /** To the client, in this order; valid until written. */
  readonly toClient: readonly Buffer[];
  /**
   * The session is over: write `toClient`, which ends with the FATAL ErrorResponse for this error already (unless the
   * client is in the middle of a message and could not read it), then close both connections.
   */
  readonly end?: WireError;
  /** The client sent Terminate (it is in `toServer`): what follows from the client is ignored. */
  readonly terminated?: boolean;
}
