import type { ChangeKind } from '../../lib/hooks/message-change.ts';
import type { FromClient, Opening, Session } from '../../lib/hooks/payloads.ts';
import { closeScope, openScope, retainScope, type Scoped, type ScopedHandle } from '../../lib/hooks/scope.ts';
import { makeRefusal, makeVerdict, type Verdict } from '../../lib/hooks/verdict.ts';

export const session: Session = {
  id: '1',
  client: { host: '127.0.0.1', port: 40_000 },
  server: null,
  tls: false,
  user: 'ada',
  database: 'ada',
  parameters: new Map(),
  moved: false,
};

/** The payload of `opening`, without a client. */
export const opening: Opening = {
  session,
  refuse: (sqlstate, message, detail) =>
    makeRefusal({ sqlstate, message, ...(detail === undefined ? {} : { detail }) }),
};

/** A payload of the traffic hooks that is one text: each tap gets a handle that expires and can undo. */
export class ScopedText implements Scoped {
  query: string;
  /** What happened to the handles, in order. */
  readonly log: string[] = [];

  constructor(query: string) {
    this.query = query;
  }

  [openScope](): ScopedHandle {
    this.log.push('open');
    return new TextHandle(this);
  }

  refusal(sqlstate: string, message: string): Verdict {
    return makeVerdict({ kind: 'refuse', error: { sqlstate, message } });
  }

  /** As the bus's hooks are typed. */
  get payload(): FromClient {
    return this as unknown as FromClient;
  }
}

class TextHandle implements ScopedHandle {
  readonly #text: ScopedText;
  readonly #before: string;
  #changed = false;
  #expired = false;

  constructor(text: ScopedText) {
    this.#text = text;
    this.#before = text.query;
  }

  get query(): string {
    if (this.#expired) throw new Error('expired');
    return this.#text.query;
  }
  replaceQuery(sql: string): void {
    if (this.#expired) throw new Error('expired');
    this.#text.query = sql;
    this.#changed = true;
  }
  reply(): Verdict {
    return makeVerdict({ kind: 'reply', columns: [], rows: [] });
  }
  [retainScope](): void {
    this.#text.log.push('retain');
  }
  [closeScope](failed: boolean): readonly ChangeKind[] | null {
    this.#text.log.push(failed ? 'close, failed' : 'close');
    this.#expired = true;
    if (failed) this.#text.query = this.#before;
    return this.#changed && !failed ? ['replaceQuery'] : null;
  }
}
