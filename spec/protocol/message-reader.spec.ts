import { expect } from 'chai';
import * as fc from 'fast-check';
import { GatewayDError } from '../../lib/errors.ts';
import { MessageReader } from '../../lib/protocol/message-reader.ts';
import { messages } from '../../lib/protocol/messages.ts';

const stream = Buffer.concat([
  messages.query('select 1').bytes,
  messages.sync().bytes,
  messages.copyData(Buffer.alloc(300, 7)).bytes,
  messages.sync().bytes,
]);

describe('the message reader', () => {
  it('gives the whole messages of a chunk as the chunk itself', () => {
    const [batch, ...more] = new MessageReader(1000).read(stream);
    expect(more).to.be.empty;
    expect(batch?.buffer).to.equal(stream.buffer);
    expect(batch).to.deep.equal(stream);
  });

  it('gives every message once and whole, wherever the stream is split', () => {
    const ends = new Set([0, 14, 19, 324, 329]);
    for (let at = 0; at <= stream.length; at++) {
      const reader = new MessageReader(1000);
      const first = Buffer.concat(reader.read(stream.subarray(0, at)));
      expect(ends.has(first.length), `split at ${at}`).to.be.true;
      expect(reader.atBoundary).to.equal(ends.has(at));
      expect(Buffer.concat([first, ...reader.read(stream.subarray(at))])).to.deep.equal(stream);
    }
  });

  it('gives the same for any split', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        const reader = new MessageReader(1000);
        const read: Buffer[] = [];
        let start = 0;
        for (let turn = 0; start < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          read.push(...reader.read(Buffer.from(stream.subarray(start, start + size))));
          start += size;
        }
        expect(Buffer.concat(read)).to.deep.equal(stream);
        expect(reader.atBoundary).to.be.true;
      }),
    );
  });

  it('keeps a copy of what is unfinished, so that the chunk can be used again', () => {
    const reader = new MessageReader(1000);
    const chunk = Buffer.from(stream.subarray(0, 100));
    reader.read(chunk);
    chunk.fill(0xff);
    expect(Buffer.concat(reader.read(stream.subarray(100)))).to.deep.equal(stream.subarray(19));
  });

  it('refuses a message over the limit as soon as its length is known, and takes one of just the limit', () => {
    const data = messages.copyData(Buffer.alloc(95)).bytes;
    expect(new MessageReader(100).read(data)).to.deep.equal([data]);
    for (let at = 0; at <= 5; at++) {
      const reader = new MessageReader(99);
      expect(() => [reader.read(data.subarray(0, at)), reader.read(data.subarray(at, 5))], `split at ${at}`)
        .to.throw(GatewayDError, '100 bytes is larger than the 99')
        .with.property('sqlstate', '54000');
    }
  });

  it('makes no room for what a length merely promises', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new MessageReader(0x40000000));
    for (const reader of readers) expect(reader.read(Buffer.from('643fffffff00', 'hex'))).to.be.empty;
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(16 * 1024 * 1024);
  });

  it('gives nothing but a GatewayDError for garbage, and comes to an end', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
        const reader = new MessageReader(100);
        const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        try {
          const read = chunks.flatMap((chunk) => reader.read(Buffer.from(chunk)));
          expect(read.reduce((sum, buffer) => sum + buffer.length, 0)).to.be.at.most(total);
        } catch (error) {
          expect(error).to.be.instanceOf(GatewayDError);
        }
      }),
    );
  });
});
