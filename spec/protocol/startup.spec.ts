import { expect } from 'chai';
import * as fc from 'fast-check';
import { GatewayDError } from '../../lib/errors.ts';
import {
  encodeStartupPacket,
  MAX_STARTUP_PACKET_LENGTH,
  readStartupPacket,
  type StartupPacket,
} from '../../lib/protocol/startup.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const table: readonly (readonly [what: string, bytes: string, packet: StartupPacket])[] = [
  ['an SSLRequest', '00000008 04d2162f', { name: 'SSLRequest' }],
  ['a GSSENCRequest', '00000008 04d21630', { name: 'GSSENCRequest' }],
  [
    'a CancelRequest with a key of protocol 3.0',
    '00000010 04d2162e 000004d2 cafebabe',
    { name: 'CancelRequest', processId: 1234, secretKey: hex('cafebabe') },
  ],
  [
    'a CancelRequest with a key of protocol 3.2',
    `0000010c 04d2162e 000004d2 ${'ab'.repeat(256)}`,
    { name: 'CancelRequest', processId: 1234, secretKey: Buffer.alloc(256, 0xab) },
  ],
  [
    'a StartupMessage of protocol 3.0',
    '0000001f 00030000 75736572 00 616c696365 00 6461746162617365 00 61 00 00',
    {
      name: 'StartupMessage',
      major: 3,
      minor: 0,
      parameters: new Map([
        ['user', 'alice'],
        ['database', 'a'],
      ]),
    },
  ],
  [
    'a StartupMessage of protocol 3.2 with an empty value',
    '0000000f 00030002 75736572 00 00 00',
    { name: 'StartupMessage', major: 3, minor: 2, parameters: new Map([['user', '']]) },
  ],
];

describe('a start-up packet', () => {
  for (const [what, text, packet] of table) {
    const bytes = hex(text);

    it(`is read: ${what}`, () => {
      expect(readStartupPacket(bytes)).to.deep.equal({ packet, length: bytes.length });
    });

    it(`is written: ${what}`, () => {
      expect(encodeStartupPacket(packet).toString('hex')).to.equal(bytes.toString('hex'));
    });

    it(`is waited for until it is all there, and what follows is left: ${what}`, () => {
      for (let at = 0; at < bytes.length; at++) expect(readStartupPacket(bytes.subarray(0, at))).to.be.null;
      const more = Buffer.concat([bytes, hex('ff ff')]);
      expect(readStartupPacket(more)?.length).to.equal(bytes.length);
    });
  }

  const refused: readonly (readonly [why: string, bytes: string, sqlstate: string])[] = [
    ['a length of 7', '00000007 000300', '08P01'],
    ['a length of 0', '00000000', '08P01'],
    ['a negative length', 'ffffffff', '08P01'],
    ['a length above the limit', '00002715', '08P01'],
    ['the bytes of a TLS handshake', '160301020001000001', '08P01'],
    ['the bytes of an HTTP request', Buffer.from('GET / HTTP/1.1').toString('hex'), '08P01'],
    ['protocol 2', '00000009 00020000 00', '0A000'],
    ['protocol 4', '00000009 00040000 00', '0A000'],
    ['an unknown request code', '00000008 04d21631', '0A000'],
    ['no terminator', '0000000d 00030000 7573657200', '08P01'],
    ['a name without a value', '0000000e 00030000 757365720000', '08P01'],
    ['bytes after the terminator', '0000000a 00030000 0000', '08P01'],
    ['no parameters and no terminator', '00000008 00030000', '08P01'],
    ['bytes after an SSLRequest', '00000009 04d2162f 00', '08P01'],
    ['a cancel key of three bytes', '0000000f 04d2162e 000004d2 cafeba', '08P01'],
    ['a cancel key of 257 bytes', `0000010d 04d2162e 000004d2 ${'ab'.repeat(257)}`, '08P01'],
  ];
  for (const [why, text, sqlstate] of refused) {
    it(`is refused with ${sqlstate}: ${why}`, () => {
      expect(() => readStartupPacket(hex(text)))
        .to.throw(GatewayDError)
        .with.property('sqlstate', sqlstate);
    });
  }

  it('lets the last value of a parameter count that comes twice', () => {
    const rest = Buffer.from('user\0a\0user\0b\0\0');
    const bytes = Buffer.concat([hex('00000000 00030000'), rest]);
    bytes.writeInt32BE(bytes.length, 0);
    const packet = readStartupPacket(bytes)?.packet;
    expect(packet)
      .to.have.property('parameters')
      .that.deep.equals(new Map([['user', 'b']]));
  });

  it('may be as long as PostgreSQL takes, and no longer, at every size near it', () => {
    for (let length = MAX_STARTUP_PACKET_LENGTH - 4; length <= MAX_STARTUP_PACKET_LENGTH + 4; length++) {
      const user = 'u'.repeat(length - 4 - 'user\0\0\0'.length);
      const packet = { name: 'StartupMessage', major: 3, minor: 0, parameters: new Map([['user', user]]) } as const;
      if (length > MAX_STARTUP_PACKET_LENGTH) {
        expect(() => encodeStartupPacket(packet)).to.throw(GatewayDError);
        const bytes = Buffer.concat([hex('00000000 00030000'), Buffer.from(`user\0${user}\0\0`)]);
        bytes.writeInt32BE(bytes.length, 0);
        expect(() => readStartupPacket(bytes), `${length}`).to.throw(GatewayDError);
      } else expect(readStartupPacket(encodeStartupPacket(packet))?.packet).to.deep.equal(packet);
    }
  });

  it('is read as it was written, cancel keys of every size too', () => {
    for (let size = 4; size <= 256; size++) {
      const packet = { name: 'CancelRequest', processId: -size, secretKey: Buffer.alloc(size, size) } as const;
      expect(readStartupPacket(encodeStartupPacket(packet))?.packet).to.deep.equal(packet);
    }
    for (const size of [0, 3, 257]) {
      const packet = { name: 'CancelRequest', processId: 1, secretKey: Buffer.alloc(size) } as const;
      expect(() => encodeStartupPacket(packet)).to.throw(GatewayDError);
    }
    const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((value) => !value.includes('\0'));
    const name = text.filter((value) => value !== '');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 20 }), fc.nat(2), (entries, minor) => {
        const packet = { name: 'StartupMessage', major: 3, minor, parameters: new Map(entries) } as const;
        expect(readStartupPacket(encodeStartupPacket(packet))?.packet).to.deep.equal(packet);
      }),
    );
  });

  it('is not written with what would change its meaning', () => {
    for (const entry of [
      ['', 'x'],
      ['us\0er', 'x'],
      ['user', 'a\0options\0-c'],
    ] as const) {
      const packet = { name: 'StartupMessage', major: 3, minor: 0, parameters: new Map([entry]) } as const;
      expect(() => encodeStartupPacket(packet)).to.throw(GatewayDError, 'StartupMessage');
    }
  });

  it('gives nothing but a GatewayDError for garbage of every size', () => {
    const codes = [0x00030000, 0x00030002, 80877102, 80877103, 80877104, 0x00020000];
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.uint8Array({ maxLength: 300 }), (code, rest) => {
        const bytes = Buffer.alloc(8 + rest.length);
        bytes.writeInt32BE(bytes.length, 0);
        bytes.writeInt32BE(code, 4);
        bytes.set(rest, 8);
        try {
          expect(readStartupPacket(bytes)?.length).to.equal(bytes.length);
        } catch (error) {
          expect(error).to.be.instanceOf(GatewayDError);
        }
      }),
    );
  });
});
