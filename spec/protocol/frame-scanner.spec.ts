import { expect } from 'chai';
import * as fc from 'fast-check';
import { GatewayDError } from '../../lib/errors.ts';
import { BackendCode, transactionStatus } from '../../lib/protocol/codes.ts';
import { FrameScanner } from '../../lib/protocol/frame-scanner.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const readyIdle = hex('5a 00000005 49');
const dataRow = hex('44 0000000c 0001 00000002 6162');
const parseComplete = hex('31 00000004');
const keyData = hex('4b 0000000c 00000007 deadbeef');

interface Seen {
  type: string;
  length: number;
  start: number;
  end: number;
  body: string;
}

/** What the scanner says of a stream in these chunks, with places counted from the stream's beginning. */
function scan(
  chunks: readonly Buffer[],
  scanner = new FrameScanner({ collect: [BackendCode.BackendKeyData] }),
): Seen[] {
  const seen: Seen[] = [];
  let base = 0;
  for (const chunk of chunks) {
    scanner.feed(chunk);
    while (scanner.next()) {
      const { type, length, start, end, bodyIsWhole, body } = scanner;
      const wanted = type === BackendCode.BackendKeyData && bodyIsWhole;
      seen.push({
        type: String.fromCharCode(type),
        length,
        start: base + start,
        end: base + end,
        body: wanted ? body.toString('hex') : '',
      });
    }
    base += chunk.length;
  }
  return seen;
}

describe('the frame scanner', () => {
  const stream = Buffer.concat([parseComplete, keyData, dataRow, readyIdle]);
  const expected: Seen[] = [
    { type: '1', length: 5, start: 0, end: 5, body: '' },
    { type: 'K', length: 13, start: 5, end: 18, body: '00000007deadbeef' },
    { type: 'D', length: 13, start: 18, end: 31, body: '' },
    { type: 'Z', length: 6, start: 31, end: 37, body: '' },
  ];

  it('finds each message of a chunk, where it starts and ends', () => {
    expect(scan([stream])).to.deep.equal(expected);
  });

  it('finds the same wherever the stream is split in two', () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(scan([stream.subarray(0, at), stream.subarray(at)]), `split at ${at}`).to.deep.equal(expected);
    }
  });

  it('finds the same when every byte comes alone', () => {
    expect(scan([...stream].map((byte) => Buffer.of(byte)))).to.deep.equal(expected);
  });

  it('says whether other bytes may be put between', () => {
    const scanner = new FrameScanner();
    const boundaries = new Set([0, 5, 18, 31, 37]);
    expect(scanner.atBoundary).to.be.true;
    for (const [index, byte] of stream.entries()) {
      scan([Buffer.of(byte)], scanner);
      expect(scanner.atBoundary, `after byte ${index + 1}`).to.equal(boundaries.has(index + 1));
    }
  });

  it('tells the type and length of an unfinished message as soon as they are there', () => {
    const scanner = new FrameScanner();
    scan([dataRow.subarray(0, 1)], scanner);
    expect([scanner.type, scanner.length]).to.deep.equal([BackendCode.DataRow, 0]);
    scan([dataRow.subarray(1, 6)], scanner);
    expect([scanner.type, scanner.length]).to.deep.equal([BackendCode.DataRow, 13]);
  });

  it('collects no more of a split body than it was asked to', () => {
    const scanner = new FrameScanner({ collect: [BackendCode.BackendKeyData], collectLimit: 6 });
    scanner.feed(keyData.subarray(0, 7));
    expect(scanner.next()).to.be.false;
    scanner.feed(keyData.subarray(7));
    expect(scanner.next()).to.be.true;
    expect(scanner.body.toString('hex')).to.equal('00000007dead');
    expect(scanner.bodyIsWhole).to.be.false;
  });

  it('passes over a message of a gigabyte without keeping it', () => {
    const scanner = new FrameScanner({ collect: [BackendCode.CopyData], collectLimit: 16 });
    const chunk = Buffer.alloc(1024 * 1024);
    const header = hex('64 40000003');
    const before = process.memoryUsage().arrayBuffers;
    scanner.feed(header);
    expect(scanner.next()).to.be.false;
    for (let sent = 0; sent < 1023; sent++) {
      scanner.feed(chunk);
      expect(scanner.next()).to.be.false;
    }
    const last = Buffer.concat([chunk.subarray(0, 1024 * 1024 - 1), readyIdle]);
    scanner.feed(last);
    expect(scanner.next()).to.be.true;
    expect([scanner.length, scanner.end]).to.deep.equal([0x40000004, 1024 * 1024 - 1]);
    expect(scanner.next()).to.be.true;
    expect(transactionStatus(scanner.firstByte)).to.equal('I');
    expect(transactionStatus(scanner.body[0])).to.equal('I');
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(16 * 1024 * 1024);
  });

  it('can be fed an unfinished message again from its start', () => {
    const scanner = new FrameScanner();
    scanner.feed(Buffer.concat([parseComplete, dataRow.subarray(0, 8)]));
    expect([scanner.next(), scanner.next(), scanner.start]).to.deep.equal([true, false, 5]);
    scanner.forgetUnfinished();
    expect(scanner.atBoundary).to.be.true;
    expect(scan([Buffer.concat([dataRow, readyIdle])], scanner).map(({ type }) => type)).to.deep.equal(['D', 'Z']);
  });

  for (const [length, bytes] of [
    ['3', '00000003'],
    ['0', '00000000'],
    ['-1', 'ffffffff'],
    ['-2147483648', '80000000'],
  ] as const) {
    it(`refuses a message that says it is ${length} bytes long, split or not`, () => {
      const bad = Buffer.concat([parseComplete, hex(`44 ${bytes}`), readyIdle]);
      for (let at = 0; at <= bad.length; at++) {
        expect(() => scan([bad.subarray(0, at), bad.subarray(at)]), `split at ${at}`)
          .to.throw(GatewayDError, `type 'D' says it is ${length} bytes`)
          .with.property('sqlstate', '08P01');
      }
    });
  }

  it('finds what was put together, however it is split', () => {
    const message = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(600), { maxLength: 12 }), (parts, cuts) => {
        const whole = Buffer.concat(
          parts.map(([type, body]) => {
            const head = Buffer.alloc(5);
            head.writeUInt8(type, 0);
            head.writeInt32BE(body.length + 4, 1);
            return Buffer.concat([head, body]);
          }),
        );
        const edges = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((a, b) => a - b);
        const chunks = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge));
        const bodies: string[] = [];
        const scanner = new FrameScanner({ collect: Array.from({ length: 256 }, (_, type) => type) });
        for (const chunk of chunks) {
          scanner.feed(chunk);
          while (scanner.next()) bodies.push(`${scanner.type} ${scanner.body.toString('hex')}`);
        }
        expect(bodies).to.deep.equal(parts.map(([type, body]) => `${type} ${Buffer.from(body).toString('hex')}`));
        expect(scanner.atBoundary).to.be.true;
      }),
    );
  });

  it('gives nothing but a GatewayDError for garbage, and comes to an end', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
        const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        try {
          expect(scan(chunks.map((chunk) => Buffer.from(chunk))).length).to.be.at.most(total / 5);
        } catch (error) {
          expect(error).to.be.instanceOf(GatewayDError);
        }
      }),
    );
  });
});
