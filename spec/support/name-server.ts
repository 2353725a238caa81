import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A DNS server on loopback that answers with the addresses it was told, or never. */
export class NameServer {
  readonly questions: string[] = [];
  readonly #answers: ReadonlyMap<string, Buffer> | null;
  readonly #socket: Socket = createSocket('udp4');
  readonly #asked: (() => void)[] = [];

  /** @param answers record data by `name/type`, type 1 for A and 28 for AAAA; null never answers */
  constructor(answers: ReadonlyMap<string, Buffer> | null) {
    this.#answers = answers;
    this.#socket.on('message', (query, { port, address }) => {
      const name = nameIn(query);
      const type = query.readUInt16BE(12 + name.length + 2);
      this.questions.push(`${name}/${type}`);
      for (const resolve of this.#asked.splice(0)) resolve();
      if (this.#answers !== null)
        this.#socket.send(answerTo(query, this.#answers.get(`${name}/${type}`)), port, address);
    });
  }

  /** @returns its address, as `Resolver.setServers` takes it */
  async listen(): Promise<string> {
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Resolves at the next question. */
  asked(): Promise<void> {
    return new Promise((resolve) => {
      this.#asked.push(resolve);
    });
  }

  close(): void {
    this.#socket.close();
  }
}

function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at] !== 0; at += query[at]! + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
  return labels.join('.');
}

/** RFC 1035: the question again, and one record that points back at its name; without data, an answer with no record. */
function answerTo(query: Buffer, data: Buffer | undefined): Buffer {
  const question = query.subarray(12, 12 + nameIn(query).length + 2 + 4);
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(data === undefined ? 0 : 1, 6);
  header.writeUInt16BE(0, 10);
  if (data === undefined) return Buffer.concat([header, question]);
  const record = Buffer.from([0xc0, 12, ...question.subarray(-4), 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([header, question, record, data]);
}
