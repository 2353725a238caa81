import type { Socket } from 'node:net';
import type { ClientConfig } from '../config/schema.ts';
import { milliseconds } from '../config/durations.ts';
import { type ErrorDefinition, GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';
import type { Relay } from './relay.ts';

/** Limits of a session's database connection, in milliseconds; 0 is without limit. */
export interface StallLimits {
  /** Of silence while the database owes an answer. */
  readonly receiveTimeout: number;
  /** Of the whole session. */
  readonly receiveDeadline: number;
  /** For which the database may take nothing of what is sent to it. */
  readonly sendDeadline: number;
}

/** What a block of `clients` says of them; null where there are none, and nothing has to be watched. */
export function stallLimits(config: ClientConfig): StallLimits | null {
  const limits = {
    receiveTimeout: milliseconds(config.receiveTimeout),
    receiveDeadline: milliseconds(config.receiveDeadline),
    sendDeadline: milliseconds(config.sendDeadline),
  };
  return Object.values(limits).every((limit) => limit === 0) ? null : limits;
}

/** What is watched: a connection to a database, and the relay that knows whether it owes anything. */
export interface Watched {
  readonly database: string;
  readonly socket: Socket;
  readonly relay: Pick<Relay, 'owed' | 'unsent'>;
  readonly fail: (error: GatewayDError) => void;
}

/** How often is looked within the shortest limit. */
const looks = 8;

/**
 * Watches over the limits of a session's database connection from now on. It looks at the socket's own counters from
 * time to time, so that a message costs nothing more.
 * @returns ends it
 */
export function watchStalls(limits: StallLimits, { database, socket, relay, fail }: Watched): () => void {
  const { receiveTimeout, receiveDeadline, sendDeadline } = limits;
  const begun = performance.now();
  let [read, sent, unsent] = [-1, -1, -1];
  let [movedAt, takenAt] = [begun, begun];
  const stalled = (definition: ErrorDefinition, limit: number): void =>
    fail(new GatewayDError(definition, { database, milliseconds: limit }));
  const look = (): void => {
    const now = performance.now();
    const takes = relay.unsent === 0 || relay.unsent !== unsent || socket.bytesWritten !== sent;
    // What is sent counts as well: while a client copies rows in, the database has nothing to say.
    if (!relay.owed || socket.bytesRead !== read || socket.bytesWritten !== sent) movedAt = now;
    if (takes) takenAt = now;
    [read, sent, unsent] = [socket.bytesRead, socket.bytesWritten, relay.unsent];
    if (receiveDeadline > 0 && now - begun >= receiveDeadline) {
      stalled(networkErrors.NETWORK_RECEIVE_DEADLINE, receiveDeadline);
    } else if (sendDeadline > 0 && now - takenAt >= sendDeadline) {
      stalled(networkErrors.NETWORK_SEND_DEADLINE, sendDeadline);
    } else if (receiveTimeout > 0 && now - movedAt >= receiveTimeout) {
      stalled(networkErrors.NETWORK_RECEIVE_TIMEOUT, receiveTimeout);
    }
  };
  const shortest = Math.min(...Object.values(limits).filter((limit: number) => limit > 0));
  const timer = setInterval(look, Math.max(1, shortest / looks)).unref();
  return () => clearInterval(timer);
}
