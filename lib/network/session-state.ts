/**
 * The life of a client's connection:
 * `starting` (what it wants is not known yet), `opening` (plugins are asked whether it may), `waiting` (for a
 * database connection), `authenticating` (it logs in: at the database once it has a connection to it, or at gatewayd
 * before it waits for one that is logged in), `open`, `draining` (no more requests: the last
 * bytes are on their way and the sockets close), `closed`.
 */
export type SessionState = 'starting' | 'opening' | 'waiting' | 'authenticating' | 'open' | 'draining' | 'closed';

const successors: Readonly<Record<SessionState, readonly SessionState[]>> = {
  starting: ['opening', 'draining'],
  opening: ['waiting', 'authenticating', 'draining'],
  waiting: ['authenticating', 'open', 'draining'],
  authenticating: ['open', 'waiting', 'draining'],
  open: ['draining'],
  draining: ['closed'],
  closed: [],
};

/** Gives the next state, and throws where the life of a session has no such step: a mistake of ours. */
export function transition(from: SessionState, to: SessionState): SessionState {
  if (successors[from].includes(to)) return to;
  throw new Error(`a session cannot go from ${from} to ${to}`);
}
