import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An event as Sentry's ingest gets it; the members that are looked at. */
export interface IngestedEvent {
  readonly level?: string;
  readonly release?: string;
  readonly environment?: string;
  readonly tags?: Record<string, string>;
  readonly extra?: Record<string, unknown>;
  readonly exception?: {
    readonly values: readonly {
      readonly type: string;
      readonly value?: string;
      readonly stacktrace?: { readonly frames: readonly Record<string, unknown>[] };
    }[];
  };
}

/** One envelope: its headers, its items, and all of the request as it came. */
export interface Envelope {
  readonly header: Record<string, unknown>;
  readonly items: readonly { readonly header: Record<string, unknown>; readonly payload: unknown }[];
  readonly raw: string;
}

/** https://develop.sentry.dev/sdk/data-model/envelopes/: lines of JSON; an item's payload may have its length told. */
function parseEnvelope(body: Buffer, raw: string): Envelope {
  let at = 0;
  const line = (length?: number): string => {
    const end = length === undefined ? body.indexOf('\n', at) : at + length;
    const text = body.subarray(at, end === -1 ? body.length : end).toString();
    at = (end === -1 ? body.length : end) + 1;
    return text;
  };
  const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;
  const header = parse(line());
  const items = [];
  while (at < body.length) {
    const itemHeader = parse(line());
    items.push({ header: itemHeader, payload: parse(line(itemHeader['length'] as number | undefined)) });
  }
  return { header, items, raw };
}

/** A Sentry ingest: an HTTP server that takes envelopes apart. */
export class Ingest implements Disposable {
  readonly envelopes: Envelope[] = [];
  /** What it answers with. */
  status = 200;
  headers: Record<string, string> = {};
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      this.#received(`${request.method} ${request.url}\n${headerText(request.headers)}\n${body.toString()}`, body);
      response.writeHead(this.status, { 'content-type': 'application/json', ...this.headers }).end('{}');
    });
  });

  /** @returns the DSN */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return `http://0123456789abcdef0123456789abcdef@127.0.0.1:${(this.#server.address() as AddressInfo).port}/42`;
  }

  get events(): IngestedEvent[] {
    return this.envelopes.flatMap(({ items }) =>
      items.flatMap(({ header, payload }) => (header['type'] === 'event' ? [payload as IngestedEvent] : [])),
    );
  }

  /** Resolves with all events once there are that many. */
  async whenEvents(count: number): Promise<IngestedEvent[]> {
    if (this.events.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.push({ count, resolve });
      });
    }
    return this.events;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #received(raw: string, body: Buffer): void {
    this.envelopes.push(parseEnvelope(body, raw));
    for (const { count, resolve } of this.#waiting) if (this.events.length >= count) resolve();
  }
}

const headerText = (headers: IncomingHttpHeaders) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join('\n');
