import type { Address, Session } from '../hooks/payloads.ts';
import type { ToGuest } from './wire.ts';

interface Known {
  readonly number: number;
  server: Address | null;
}

/** The sessions that a guest knows, by number: each crosses once and is forgotten there when it is gone here. */
export class SessionTable {
  readonly #post: (message: ToGuest) => void;
  readonly #known = new WeakMap<Session, Known>();
  readonly #gone = new FinalizationRegistry<number>((number) => this.#post(['forget', number]));
  #next = 0;

  constructor(post: (message: ToGuest) => void) {
    this.#post = post;
  }

  /** The number of a session, which the guest is told of before whatever is posted next. */
  numberOf(session: Session): number {
    const known = this.#known.get(session);
    if (known === undefined) return this.#introduce(session);
    if (known.server !== session.server) {
      known.server = session.server;
      this.#post(['server', known.number, session.server]);
    }
    return known.number;
  }

  #introduce(session: Session): number {
    const { id, client, server, tls, user, database, parameters, moved } = session;
    const number = this.#next++;
    this.#known.set(session, { number, server });
    this.#gone.register(session, number);
    this.#post(['session', number, { id, client, server, tls, user, database, parameters, moved }]);
    return number;
  }
}
